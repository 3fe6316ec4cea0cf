// Trains LeNet inside a program of one's own, on samples made up here.
//   ai-compile lenet.mlir --emit=lib -o lenet.so
//   cc embed.c ./lenet.so -o embed && ./embed
#include "lenet.h"
#include <stdio.h>

int main(void) {
  static float images[64 * 28 * 28];
  static int32_t labels[64];
  for (int i = 0; i < 64; ++i) {
    labels[i] = i % 10;
    images[i * 28 * 28 + labels[i] * 28 + 14] = 5; // the row of a bright pixel tells the class
  }
  lenet_t *model;
  int status = lenet_create(NULL, &model);
  for (int step = 0; step < 50 && !status; ++step) {
    float loss;
    status = lenet_train_step(model, images, labels, 64, &loss);
    printf("step %d loss %.4f\n", step, loss);
  }
  if (status)
    fprintf(stderr, "%s\n", lenet_error());
  lenet_destroy(model);
  return status;
}
