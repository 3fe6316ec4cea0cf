// The passes of lib/Transforms: what each needs, ensures, and when it fails.

#ifndef AI_TRANSFORMS_PASSES
#define AI_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def AIInferShapesPass : Pass<"ai-infer-shapes", "mlir::ModuleOp"> {
  let summary = "Give every tensor a shape, from the arguments forward";
  let description = [{
    Types flow once through each model and function, callees before callers; `tensor<*xf32>` becomes
    what the op's operands imply, and a function's result types follow its return.

    ```mlir
    %y = ai.relu %x : (tensor<?x8xf32>) -> tensor<*xf32>     // before
    %y = ai.relu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>   // after
    ```

    - Needs: functions of one block whose arguments are ranked.
    - Ensures: every tensor is ranked; only dimension 0, the batch, may be `?`.
    - Fails when: a declared type contradicts the inferred one, or a type cannot be inferred.
  }];
  let dependentDialects = ["::ai::AIDialect"];
  let statistics = [Statistic<"numRefined", "num-refined", "Result types made more specific">];
}

def AICheckModelPass : Pass<"ai-check-model", "mlir::ModuleOp"> {
  let summary = "Report models and recipes that compile but cannot mean what was written";
  let description = [{
    - Needs: shapes inferred.
    - Ensures: each parameter reaches the result of its model; each `ai.train` names a model of its
      own in this module, whose input leaves the batch open and whose output fits the loss.
    - Fails when: one of these does not hold, or values that are not log-probabilities are fed to
      `nll_loss`, or probabilities to `cross_entropy`.
  }];
}

def AIFuseOperatorsPass : Pass<"ai-fuse-operators", "mlir::func::FuncOp"> {
  let summary = "Schedule ops next to their producers and mark those that will become one loop nest";
  let description = [{
    Two things that buffers and loops profit from. First the ops of a function are put into an order
    in which few values wait: an op follows the newest value that it reads, so a gradient of a weight
    follows the cotangent that it needs; what no batch goes into (constants, rates) stands before its
    first reader; updates, which need sums over the batch, come last.

    Then the ops of one fusion group get the same `ai.group = k`: a contraction and the element-wise,
    pooling and broadcasting ops that read its result, as long as each value in between has one
    reader beside the return. Element-wise chains that follow no contraction form groups of their
    own.

    ```mlir
    %0 = ai.conv2d %x, %w {ai.group = 0 : i64} : ...
    %1, %winner = ai.max_pool2d_with_index %0 {ai.group = 0 : i64, kernel = [2, 2]} : ...
    %2 = ai.relu %1 {ai.group = 0 : i64} : ...
    ```

    - Needs: shapes inferred; best after `canonicalize` and `cse`.
    - Ensures: the same ops and values, in another order; each group has at least two ops.
    - Fails when: never.
  }];
  let options = [Option<"remarks", "remarks", "bool", /*default=*/"false",
      "Report each group at its first op">];
  let statistics = [Statistic<"numGroups", "num-groups", "Fusion groups of two ops or more">,
                    Statistic<"numMoved", "num-moved", "Ops that changed place">];
}

def AIWatchValuesPass : Pass<"ai-watch-values", "mlir::ModuleOp"> {
  let summary = "make what the ops of a step compute results of it";
  let description = [{
    Every value of a training step, or of a plain function, that is no constant and no result yet becomes
    one more result, `watch.NUMBER OP %NAME (FILE:LINE:COLUMN)`, in the order of the ops; numbers without
    a dimension only in plain functions. Integers and truth values become f32. In a step they have the
    role of an optimizer's state, so a program keeps the last step's: those that carry the batch, marked
    by an `n` behind the number, for as many samples as a panel has. For `ai-compile --cross-check`.

    - Needs: `ai-differentiate`, shapes inferred; `ai-block-batch` comes later.
    - Ensures: the other results are as before.
    - Fails when: never.

    ```mlir
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = ai.exp %x : (tensor<4xf32>) -> tensor<4xf32>
      %z = ai.neg %y : (tensor<4xf32>) -> tensor<4xf32>
      return %z : tensor<4xf32>
    }
    // becomes
    func.func @f(%x: tensor<4xf32>)
        -> (tensor<4xf32>, tensor<4xf32> {ai.name = "watch.000 exp (f.mlir:2:8)"}) {
      // ...
      return %z, %y : tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let statistics = [Statistic<"numValues", "num-values", "Values that became results">];
  let dependentDialects = ["ai::AIDialect"];
}

def AIAddSmallBatchesPass : Pass<"ai-add-small-batches", "mlir::ModuleOp"> {
  let summary = "add variants of steps for batches too small for samples as lanes";
  let description = [{
    A function with a batched argument of the role "input", but for evaluations, `@STEP`, gets a copy
    `@STEP_small` with `ai.most_samples = M` and `ai.variant_of = "STEP"`, for batches of up to M samples: `ai-block-batch` makes it a map over single samples. With lanes of L elements a block
    of samples takes as many vectors as a sample has multiply-adds, S; a sample alone takes S divided by what
    its longest index of channels or features fills of a vector, V, and such a vector one and a half times
    as long. M = min(S / (1.5 V), L / 2), and at most 2 where the parameters take more than half of the second
    cache: a sample alone fetches them once, a block does. A step with M = 0 has no variant. A remark gives
    the numbers.

    A training step with at most M samples of the recipe's batch behind its last whole block gets
    `ai.most_rest = M`: `ai-block-batch` takes these one by one, too, and a remark says so.

    - Needs: `ai-differentiate`, shapes inferred.
    - Ensures: the steps that there are compute what they did.
    - Fails when: never.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register in bits">,
    Option<"masks", "masks", "bool", "false", "A vector can be loaded and stored in part">,
    Option<"l2", "l2", "int64_t", "1048576", "Bytes of the second cache of a core">
  ];
  let statistics = [Statistic<"numVariants", "num-variants", "Steps with a variant for small batches">];
}

def AIBlockBatchPass : Pass<"ai-block-batch", "mlir::ModuleOp"> {
  let summary = "make each step a map over blocks of samples and a combine";
  let description = [{
    Every op on a value that carries the batch (dimension 0 is `?`) moves into the region of one
    `ai.for_blocks`, on static shapes, with the batch innermost in memory (`#ai.lanes<0>`). What
    adds over the batch is yielded, and summed over the blocks.

    The gradient of a large weight, a product of two batched matrices whose sums outweigh a block's
    rows of both, stays behind the map: the map joins the rows, and the product is summed over panels
    of `slots` blocks. A remark says so.

    On a GPU (`shared-bytes`) a block has as many samples as shared memory holds with all values that
    are alive at once, by the order of the ops, at most 8; functions have the same blocks, and a remark
    gives the numbers.

    Where all threads of a GPU compute a block (`round-samples`), it is the recipe's batch, in row-major
    order and alone in its round: there is one slot and no panel, and a sum over the batch is one over the
    elements of each sample, then one over samples.

    A function with `ai.most_samples = M` has blocks of one sample, row major, and M slots. One with
    `ai.most_rest = M` has a second region for up to M samples that fill no block, and blocks that add
    up their samples, so that both add the same to a slot.

    - Needs: ranked types; sums over the batch are `ai.reduce_sum`, `ai.matmul` with
      `transpose_lhs`, or `ai.conv2d_weight_gradient`.
    - Ensures: no tensor inside the region has a dynamic dimension; no activation leaves it but for the
      rows of a panel. The recipe is the module's attribute `ai.recipe`; the model itself, of which only
      the steps are left, is gone.
    - Fails when: there are two recipes, an op mixes samples in another way, or a sum over the batch
      feeds a batched op.

    ```mlir
    %s = ai.reduce_sum %x {dims = array<i64: 0>} : (tensor<?x8xf32>) -> tensor<8xf32>
    // becomes
    %p = ai.for_blocks size 16 slots 8 (%x) : (tensor<?x8xf32>) -> tensor<16x8xf32, #ai.lanes<0>> {
    ^bb0(%first: tensor<i64>, %rows: tensor<16x8xf32>):
      %0 = ai.relayout %rows : tensor<16x8xf32> -> tensor<16x8xf32, #ai.lanes<0>>
      ai.yield %0 : tensor<16x8xf32, #ai.lanes<0>>
    }
    %s = ai.reduce_sum %p {dims = array<i64: 0>} : (tensor<16x8xf32, #ai.lanes<0>>) -> tensor<8xf32>
    ```
  }];
  let options = [
    Option<"size", "size", "int64_t", "0", "Samples of a block; 0: as many as fill a vector register">,
    Option<"sharedBytes", "shared-bytes", "int64_t", "0",
        "Shared memory of a GPU's thread block; not 0: blocks of as many samples as it holds">,
    Option<"roundSamples", "round-samples", "int64_t", "0",
        "Not 0: blocks of the recipe's batch, at most so many samples, for the grids of a GPU">,
    Option<"slots", "slots", "int64_t", "0",
        "Gradient slots; 0: as many as the recipe's batch has blocks, at most max-slots">,
    Option<"maxSlots", "max-slots", "int64_t", "8", "Blocks that may run at once">,
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register in bits">
  ];
  let dependentDialects = ["ai::AIDialect"];
}

def AIChooseLanesPass : Pass<"ai-choose-lanes", "mlir::ModuleOp"> {
  let summary = "let channels be the lanes of images that have many";
  let description = [{
    Images `[N, C, H, W]` of a block come with samples as lanes (`#ai.lanes<0>`). Where the sums of a
    convolution's weight gradient, one vector for each weight, take more than half of the second
    cache, its images change over to channels (`#ai.lanes<1>`: N x H x W x C in memory), if these fill
    vectors. So do all images that are computed from them, or they from, channel by channel, window
    by window or by a convolution. `ai.relayout` stands where the two layouts meet, and lays out
    weights as the convolutions read them. A remark says why.

    The weight gradient behind a max-pool meets zeros between the winners. Where leaving them out pays,
    a term that is looked up costing as much as two, its sums change over alone: its vectors are then
    what a row of the kernel meets, pixel by pixel.

    In blocks of one sample all images have channels as lanes, however many there are, and so have
    tensors `[1, C, 1, 1]` that are computed from images or combined with them. A weight gradient has
    those of its two images that fill more of a vector, or, to leave out zeros, of its input. What a
    convolution reads element by element stays in the layout that it has.

    - Needs: `ai-block-batch`.
    - Ensures: equal values but for the order of sums over samples in weight gradients.
    - Fails when: never.

    ```mlir
    %dw = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 3], per_sample}
      : (tensor<16x32x8x8xf32, #ai.lanes<0>>, tensor<16x64x6x6xf32, #ai.lanes<0>>)
      -> tensor<16x64x32x3x3xf32, #ai.lanes<0>>
    // becomes, between relayouts,
    %dw = ai.conv2d_weight_gradient %x, %ct {kernel_size = [3, 3]}
      : (tensor<16x32x8x8xf32, #ai.lanes<1>>, tensor<16x64x6x6xf32, #ai.lanes<1>>)
      -> tensor<64x32x3x3xf32, #ai.lanes<1>>
    ```
  }];
  let options = [
    Option<"l2", "l2", "int64_t", "1048576", "Bytes of the second cache of a core">,
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register in bits">,
    Option<"masks", "masks", "bool", "true", "Whether a vector may have fewer elements in memory than it is long">
  ];
  let dependentDialects = ["ai::AIDialect"];
}

def AIOutlineBlocksPass : Pass<"ai-outline-blocks", "mlir::ModuleOp"> {
  let summary = "split a blocked step into the functions of a block and of the combine";
  let description = [{
    - Needs: `ai-block-batch`.
    - Ensures: no `ai.for_blocks` is left. `@STEP_block` adds what a block yields to its slot, the
      first block of a slot to zero (or returns its rows, or writes them into a panel);
      `@STEP_combine` adds up the slots and does what follows. Where there are panels `@STEP_fold` adds
      one to accumulators, and `@STEP_finish` is the combine that starts from those. Rows of a data set
      that are only read with samples as lanes come that way, where whoever stages them can do that; they
      are arguments with `ai.lanes`.
    - Fails when: never.
  }];
  let dependentDialects = ["ai::AIDialect", "mlir::func::FuncDialect"];
  let options = [
    Option<"stagesLanes", "stages-lanes", "bool", /*default=*/"true",
           "Samples can be staged as lanes; false: row major only, as on a GPU">
  ];
}

#endif // AI_TRANSFORMS_PASSES
