//===- SharedObject.cpp - libraries that are opened at run time ----------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedObject.h"

#include "lib/Runtime/Error.h"

#include <cstdlib>
#include <dlfcn.h>

using namespace ai::rt;

SharedObject::SharedObject(const char *library, const char *variable,
                           std::initializer_list<const char *> files)
    : library(library) {
  std::string reasons;
  auto open = [&](const char *file) {
    path = file;
    handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      reasons += concat(reasons.empty() ? "" : "; ", dlerror());
    return handle != nullptr;
  };
  const char *named = std::getenv(variable);
  if (named && *named) {
    if (!open(named))
      throw Error(AI_RT_NO_DEVICE,
                  concat("expects ", library, " in the file that ", variable, " names, but ", named,
                         " cannot be opened (", reasons, ")"));
    return;
  }
  std::string names;
  for (const char *file : files) {
    if (open(file))
      return;
    names += concat(names.empty() ? "" : " nor ", file);
  }
  throw Error(AI_RT_NO_DEVICE,
              concat("expects ", library, ", but ", files.size() > 1 ? "neither " : "", names,
                     files.size() > 1 ? " can" : " cannot", " be opened (", reasons,
                     "); install it, add its folder to LD_LIBRARY_PATH, or name the file with ",
                     variable, "; a model compiled without --gpu-library needs none"));
}

bool SharedObject::has(const char *name) const { return dlsym(handle, name) != nullptr; }

void *SharedObject::findSymbol(const char *name) const {
  void *symbol = dlsym(handle, name);
  if (!symbol)
    throw Error(AI_RT_NO_DEVICE, concat("expects ", library, " to have ", name, ", which ", path,
                                        " lacks: it is another version"));
  return symbol;
}
