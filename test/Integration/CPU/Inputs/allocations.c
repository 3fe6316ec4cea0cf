// Counts the calls to the heap within ten steps, the first included, and measures the growth of the
// process: prints calls, bytes grown, bytes promised. Takes the threads and, if not 64, the batch.

#include "lenet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile long calls;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { return __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
  return __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  return __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  return __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED), __libc_memalign(alignment, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) {
  *result = aligned_alloc(alignment, size);
  return *result ? 0 : 12;
}

/// Resident bytes of the process.
static long resident(void) {
  long total, pages;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &total, &pages) != 2)
    exit(2);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv) {
  enum { most = 256 };
  static uint8_t images[most * 28 * 28];
  static int32_t labels[most];
  int batch = argc > 2 ? atoi(argv[2]) : 64;
  lenet_config_t config = {atoi(argv[1]), batch, 1, 0};
  lenet_t *model;
  float loss;
  memset(images, 7, sizeof(images));
  memset(labels, 0, sizeof(labels));
  long before = resident();
  if (lenet_create(&config, &model))
    return 1;
  long start = calls;
  for (int step = 0; step < 10; ++step)
    if (lenet_train_step_u8(model, images, labels, batch, &loss))
      return 1;
  long used = calls - start;
  printf("%ld %ld %ld\n", used, resident() - before, (long)lenet_memory(batch, config.threads));
  lenet_destroy(model);
  return 0;
}
