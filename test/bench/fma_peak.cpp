// Prints the FMA peak of some threads in GFLOP/s (f32, a multiply-add counts two): the most of
// eight short runs, each thread keeping twelve independent vectors in registers.
//
//   clang++-22 -O2 -march=native -pthread fma_peak.cpp -o fma_peak && ./fma_peak THREADS

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
#define BYTES 64
#define ANY_REGISTER "+v"
#elif defined(__AVX__)
#define BYTES 32
#define ANY_REGISTER "+x"
#elif defined(__x86_64__)
#define BYTES 16
#define ANY_REGISTER "+x"
#else
#define BYTES 16
#define ANY_REGISTER "+w"
#endif

typedef float Vector __attribute__((vector_size(BYTES)));
constexpr int kLanes = BYTES / 4, kVectors = 12;
constexpr long kIterations = 3000000;

static void multiplyAdd() {
  Vector sums[kVectors] = {}, a = Vector{} + 1.0000001f, b = Vector{} + 1e-9f;
  for (long i = 0; i < kIterations; ++i)
#pragma clang loop unroll(full)
    for (Vector &sum : sums) {
#pragma clang fp contract(fast)
      sum = sum * a + b;
      asm volatile("" : ANY_REGISTER(sum)); // keeps the sums apart and alive
    }
}

int main(int argc, char **argv) {
  int numThreads = argc > 1 ? std::atoi(argv[1]) : 1;
  double best = 0;
  for (int run = 0; run < 8; ++run) {
    auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int t = 0; t < numThreads; ++t)
      threads.emplace_back(multiplyAdd);
    for (std::thread &thread : threads)
      thread.join();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    double flops = 2.0 * numThreads * kIterations * kVectors * kLanes;
    best = std::max(best, flops / seconds.count() * 1e-9);
  }
  std::printf("%.1f\n", best);
}
