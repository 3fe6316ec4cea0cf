//===- CuDNN.cpp - NVIDIA's library of convolutions ----------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CuDNN.h"

#include "lib/Runtime/Error.h"

using namespace ai::rt;
using namespace ai::rt::cudnn;

Library::Library() : object("cuDNN 9", "AI_CUDNN", {"libcudnn.so.9"}) {
#define FIND(name) object.find(name, #name)
  FIND(cudnnGetVersion);
  FIND(cudnnGetErrorString);
  FIND(cudnnGetLastErrorString);
  FIND(cudnnCreate);
  FIND(cudnnDestroy);
  FIND(cudnnSetStream);
  FIND(cudnnBackendCreateDescriptor);
  FIND(cudnnBackendDestroyDescriptor);
  FIND(cudnnBackendFinalize);
  FIND(cudnnBackendSetAttribute);
  FIND(cudnnBackendGetAttribute);
  FIND(cudnnBackendExecute);
#undef FIND
  if (cudnnGetVersion() / 10000 != kMajor)
    throw Error(AI_RT_NO_DEVICE,
                concat("expects cuDNN ", kMajor, ", got ", version(), " in ", object.file()));
}

std::string Library::version() const {
  size_t number = cudnnGetVersion(), major = number < 10000 ? 1000 : 10000; // 8.9.7 was 8907
  return concat(number / major, ".", number % major / 100, ".", number % 100);
}

std::string Library::textOf(Status status) const {
  char message[512] = "";
  cudnnGetLastErrorString(message, sizeof(message));
  return concat(cudnnGetErrorString(status), " ", status, *message ? ": " : "", message);
}
