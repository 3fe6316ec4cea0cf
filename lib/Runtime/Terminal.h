//===- Terminal.h - output, signals and numbers as text ---------*- C++ -*-===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_TERMINAL_H
#define AI_LIB_RUNTIME_TERMINAL_H

#include <cstddef>
#include <string>

namespace ai::rt {

/// Writes to standard output, past any buffer. Returns false once nobody reads it any more; throws
/// an Error for every other failure.
bool writeOutput(const char *text, size_t size);
bool writeOutput(const std::string &text);

/// From now on Ctrl-C and termination set a flag instead of ending the process (the third one ends
/// it), and a reader that goes away is an error of writing instead of a signal.
void catchSignals();

/// True once Ctrl-C was typed or termination was asked for.
bool interrupted();

/// The exit code that a shell has for the signal that interrupted: 130 after Ctrl-C.
int interruptedExitCode();

/// A number in JSON: null where it is not finite.
std::string jsonNumber(double value);

/// A string in JSON, quotes included.
std::string jsonString(const std::string &text);

/// A few significant digits, as people read them: 11.652071, 5.5, 1e-09.
std::string readableNumber(double value);

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_TERMINAL_H
