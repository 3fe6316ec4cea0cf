// A step as a map over blocks of samples.

#ifndef AI_BLOCK_OPS
#define AI_BLOCK_OPS

include "dialects/ai/AIDialect.td"
include "dialects/ai/AIStructureOps.td"

def AI_ForBlocksOp : AI_Op<"for_blocks", [
    RecursiveMemoryEffects, SingleBlock, AI_NotDifferentiable]> {
  let summary = "runs a region for every block of samples and adds up, or joins, what it yields";
  let description = [{
    The operands are tensors of a whole batch (dimension 0 is `?`); the region sees `size` rows of
    each, and as its first argument, the index of the block's first row. The last block may be
    filled partly; ops inside select the missing rows away (see `ai.mask_samples`).

    A second region, `rest`, sees one row of each operand: where at most `most_rest` rows fill no
    block, it runs for each of them instead of a block that is filled partly.

    - Shapes: the region's argument for an operand `[?, ...]` is `[size, ...]`, that of `rest`
      `[1, ...]`; results as yielded.
    - A result without `?` is the sum over all blocks of the yielded value. Block i adds to slot
      i mod `slots`, in ascending order, then row i of the rest does, counted from 0, and the slots
      are added 0, 1, …: the sum has the same bits on any number of threads.
    - A result whose dimension 0 is `?` is the yielded rows, one block after another.
    - Gradient: none; steps are differentiated before they are blocked.

    ```mlir
    %sum = ai.for_blocks size 16 slots 4 (%x) : (tensor<?x8xf32>) -> tensor<8xf32> {
    ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
      %0 = ai.reduce_sum %rows {dims = array<i64: 0>} : (tensor<16x8xf32>) -> tensor<8xf32>
      ai.yield %0 : tensor<8xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$batched, ConfinedAttr<I64Attr, [IntPositive]>:$size,
      ConfinedAttr<I64Attr, [IntPositive]>:$slots, OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$most_rest);
  let results = (outs Variadic<AnyRankedTensor>:$outs);
  let regions = (region SizedRegion<1>:$body, MaxSizedRegion<1>:$rest);
  let assemblyFormat = [{
    `size` $size `slots` $slots `(` $batched `)` attr-dict `:` functional-type($batched, $outs) $body
    (`rest` $most_rest^ $rest)?
  }];
  let hasVerifier = 1;
}

#endif // AI_BLOCK_OPS
