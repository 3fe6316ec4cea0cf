// mlir-reduce with the `ai` dialect, its passes and its stages.

#include "ai/Driver/Driver.h"

int main(int argc, char **argv) { return ai::reduceMain(argc, argv); }
