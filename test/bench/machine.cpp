// Prints what the processor can do, measured now, as JSON:
//   ai-machine [THREADS]            {"threads": 2, "gflops": 307.1, "gflops_median": 304.0}
//   ai-machine [THREADS] --memory   also what the threads read from each cache and from memory
// The best of many short runs is what the hardware can do, the median what it did just now.

#include "lib/Runtime/Machine.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char **argv) {
  int64_t threads = 1;
  bool withMemory = false;
  for (int i = 1; i < argc; ++i) {
    char *end;
    long number = std::strtol(argv[i], &end, 10);
    if (!std::strcmp(argv[i], "--memory")) {
      withMemory = true;
    } else if (*end == 0 && number >= 1 && number <= 4096) {
      threads = number;
    } else {
      std::fprintf(stderr,
                   "ai-machine: error: expects threads from 1 to 4096 or --memory, got '%s'\n",
                   argv[i]);
      return 1;
    }
  }
  ai::rt::Rate peak = ai::rt::measurePeak(threads);
  std::printf("{\"threads\": %lld, \"gflops\": %.1f, \"gflops_median\": %.1f",
              static_cast<long long>(threads), 1e-9 * peak.best, 1e-9 * peak.median);
  if (withMemory) {
    const char *separator = ", \"memory\": [";
    for (const ai::rt::MemoryLevel &level : ai::rt::measureMemory(threads)) {
      std::printf("%s{\"name\": \"%s\", \"kib_per_thread\": %lld, \"gbytes_per_s\": %.1f, "
                  "\"gbytes_per_s_median\": %.1f}",
                  separator, level.name.c_str(), static_cast<long long>(level.bytes / 1024),
                  1e-9 * level.bytesRead.best, 1e-9 * level.bytesRead.median);
      separator = ", ";
    }
    std::printf("]");
  }
  std::printf("}\n");
}
