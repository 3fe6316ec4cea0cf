//===- FakeCPUs.cpp - a machine of eight CPUs -----------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loaded before a program (LD_PRELOAD), so that its threads form teams on any machine: without CPUs
// of their own they would not.
//
//===----------------------------------------------------------------------===//

#include <cstring>
#include <sched.h>

extern "C" __attribute__((visibility("default"))) int sched_getaffinity(pid_t, size_t bytes,
                                                                        cpu_set_t *cpus) noexcept {
  std::memset(cpus, 0, bytes);
  for (int cpu = 0; cpu < 8; ++cpu)
    CPU_SET(cpu, cpus);
  return 0;
}
