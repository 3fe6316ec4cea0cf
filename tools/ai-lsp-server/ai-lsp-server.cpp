// What an editor asks about model files and stages.

#include "ai/Driver/Driver.h"

int main(int argc, char **argv) { return ai::languageServerMain(argc, argv); }
