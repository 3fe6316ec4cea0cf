// The compiler: a model file in, a native program out.

#include "ai/Driver/Driver.h"

int main(int argc, char **argv) { return ai::compileMain(argc, argv); }
