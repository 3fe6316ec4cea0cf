// The ops of the `ai` dialect.

#ifndef AI_OPS
#define AI_OPS

include "dialects/ai/AIDialect.td"
include "dialects/ai/AIInterfaces.td"

class AI_Op<string mnemonic, list<Trait> traits = []> : Op<AI_Dialect, mnemonic, traits>;

#endif // AI_OPS
