//===- SharedObject.h - libraries that are opened at run time -*- C++ -* -===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AI_LIB_RUNTIME_GPU_SHAREDOBJECT_H
#define AI_LIB_RUNTIME_GPU_SHAREDOBJECT_H

#include <initializer_list>
#include <string>

namespace ai::rt {

/// A library that a program opens when it starts. It stays open: NVIDIA's cannot be unloaded.
class SharedObject {
public:
  /// Opens the file that the environment's `variable` names, or else the first of `files` that the
  /// loader finds. Throws AI_RT_NO_DEVICE, which says what was looked for; `library` is its name.
  SharedObject(const char *library, const char *variable,
               std::initializer_list<const char *> files);

  /// Throws if the library lacks the function.
  template <typename Fn> void find(Fn *&function, const char *name) const {
    function = reinterpret_cast<Fn *>(findSymbol(name));
  }
  bool has(const char *name) const;

  const std::string &file() const { return path; }

private:
  void *findSymbol(const char *name) const;

  const char *library;
  std::string path;
  void *handle = nullptr;
};

} // namespace ai::rt

#endif // AI_LIB_RUNTIME_GPU_SHAREDOBJECT_H
