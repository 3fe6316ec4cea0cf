// The passes of lib/Codegen (those for a GPU are in GPUPasses.td): what each needs, ensures, and when it fails.

#ifndef AI_CODEGEN_PASSES
#define AI_CODEGEN_PASSES

include "include/ai/Codegen/GPUPasses.td"
include "mlir/Pass/PassBase.td"

def AIVectorizeLanesPass : Pass<"ai-vectorize-lanes", "mlir::func::FuncOp"> {
  let summary = "Lower linalg on memrefs to affine loops over vectors";
  let description = [{
    The lane is the innermost index of an op's result; it becomes vectors, every other
    loop an `affine.for` in the order of the op.

    ```mlir
    linalg.generic {indexing_maps = [affine_map<(o, i, n) -> (o, i)>, affine_map<(o, i, n) -> (i, n)>,
                                     affine_map<(o, i, n) -> (o, n)>], ...}
        ins(%w, %x : memref<10x84xf32>, memref<84x16xf32>) outs(%y : memref<10x16xf32>) {...}
    // becomes
    affine.for %o = 0 to 10 {
      affine.for %i = 0 to 84 {
        %0 = affine.load %w[%o, %i] : memref<10x84xf32>
        %1 = vector.transfer_read %x[%i, %c0], %poison {in_bounds = [true]} : memref<84x16xf32>, vector<16xf32>
        %2 = vector.transfer_read %y[%o, %c0], %poison {in_bounds = [true]} : memref<10x16xf32>, vector<16xf32>
        %3 = vector.broadcast %0 : f32 to vector<16xf32>
        ...
        vector.transfer_write %5, %y[%o, %c0] {in_bounds = [true]} : vector<16xf32>, memref<10x16xf32>
    ```

    A vector holds as many elements of the op's widest operand as `vector-bits` allows; the
    rest of an extent becomes vectors of half the length, and so on, or, with `masks`, one that reaches beyond
    the end (`in_bounds = [false]`), if the end is that of every operand along the lane. Where the lane moves
    (transpositions) squares are transposed in registers, with `masks` also those of which rows or elements
    are not there; where it is summed over, partial
    sums are kept in vectors and folded in halves, so floating-point sums are
    reassociated, always in the same way. What fits none of this becomes scalar code.
    A loop of one iteration is not made.

    In the functions behind a map over blocks (`ai.kind` other than "block" and "rest"), whose rows threads will
    share out, a sum of several pieces is made in bands of 20 rows: a loop over the bands holds the
    nests of all pieces. Columns of vectors that leave no whole register tiles are such a piece.

    - Needs: memrefs of static shape, also strided ones.
    - Ensures: no linalg op and no memref.copy; loops have constant bounds.
    - Fails when: an op works on tensors or has a dynamic shape.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::memref::MemRefDialect",
                           "mlir::ub::UBDialect", "mlir::vector::VectorDialect"];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", /*default=*/"512", "Length of a vector register in bits">,
    Option<"masks", "masks", "bool", /*default=*/"false", "A vector can be loaded and stored in part">];
  let statistics = [
    Statistic<"numLanes", "num-lanes", "Ops whose results' innermost index became vectors">,
    Statistic<"numTiled", "num-tiled", "Ops transposed in registers">,
    Statistic<"numHorizontal", "num-horizontal", "Ops whose vectors are summed up">,
    Statistic<"numScalar", "num-scalar", "Ops lowered to scalar code">];
}

def AIBindResultsPass : Pass<"ai-bind-results", "mlir::ModuleOp"> {
  let summary = "turn tensor arguments and results into buffers of the caller";
  let description = [{
    - Needs: functions on tensors of static shape.
    - Ensures: every argument is a memref, no function has results. A result is written into the
      argument with the same `ai.role` and `ai.name`, or into a new last argument.
    - Fails when: an argument or result is no static tensor.
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect"];
}

def AIPartitionCombinePass : Pass<"ai-partition-combine", "mlir::func::FuncOp"> {
  let summary = "split the combine of a step among threads";
  let description = [{
    A nest that writes buffers of the caller runs over a share of its longest loop whose iterations
    write apart: of the outermost one and those that it holds and nothing else.

    - Needs: affine nests on memrefs in functions with `ai.kind` other than "block" and "rest".
    - Ensures: the function takes `part` and `parts`; calls with all parts, in any order or at the
      same time, write what the function wrote, with the same bits for any number of parts. A loop
      that is split keeps the number of its iterations as `ai.trips`.
    - Fails when: never; what cannot be split is left to one part, different memory to different parts.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::scf::SCFDialect"];
}

def AIDistributeNestsPass : Pass<"ai-distribute-nests", "mlir::func::FuncOp"> {
  let summary = "cut nests of few iterations, which threads would share unevenly";
  let description = [{
    An odd number n of iterations leaves one of two threads work / 2n more than half. The last nest
    inside the outer loop gets an outer loop of its own, behind the others, if that makes the two
    shares more even by at least a sixteenth of the work: n is at most 7, and `ai-share-blocks` finds
    more iterations to share out in the nest, or as many that are not odd.

    - Needs: affine nests on memrefs in a function with `ai.kind` "block" or "rest", before `ai-share-blocks`;
      others are left alone.
    - Ensures: a nest is cut only if its iterations meet neither in what both sides touch nor in what
      the last nest writes, and no value passes from one side to the other; each sum has its order.
    - Fails when: never.

    ```mlir
    affine.for %i = 0 to 3 {
      affine.for %j = 0 to 50 { ... }            // writes %a[%i, %j]
      affine.for %k = 0 to 11 { ... }            // reads all of %a[%i], writes %b[%i, %k]
    }
    // becomes
    affine.for %i = 0 to 3 {
      affine.for %j = 0 to 50 { ... }
    }
    affine.for %i = 0 to 3 {
      affine.for %k = 0 to 11 { ... }            // 33 iterations to share out
    }
    ```
  }];
  let statistics = [Statistic<"numNests", "num-nests", "Nests cut in two">];
  let dependentDialects = ["mlir::affine::AffineDialect"];
}

def AIShareBlocksPass : Pass<"ai-share-blocks", "mlir::func::FuncOp"> {
  let summary = "let several threads compute one block";
  let description = [{
    Where there are fewer blocks than threads, a team of threads runs one block. A nest of enough work
    runs over a share of its outer loops whose iterations write apart, counted through until there are
    16, or 128 where each has much to do; where there is no such loop around all of it, over a share of
    each nest inside, if those do not meet: so the sums of a weight gradient, row by row. Any other nest
    runs on one thread of the team, and barriers stand between nests that meet. A team of two shares
    iterations not by halves but so that both have accessed memory as often when they meet at a barrier:
    one makes up for what the other ran alone, or for an iteration more of another nest.

    - Needs: affine nests on memrefs in a function with `ai.kind` "block" or "rest"; others are left alone.
    - Ensures: the function takes `part` and `parts`; one call for each part, all at the same time,
      write what the function wrote, with the same bits for any number of parts. They share the
      temporaries but for those with `ai.own`: what one nest alone touches, and parameters laid out. The
      function has `ai.team` if parts are at several of its ops at once: two temporaries that share bytes
      need a barrier between them.
    - Fails when: never; a function whose nests write memory and have results that others use is left
      as it is, with `ai.alone`: it takes one part only.

    ```mlir
    affine.for %i = 0 to 16 { ... }              // writes %a
    affine.for %j = 0 to 9 { ... }               // reads %a, writes %b
    // becomes
    affine.for %i = 0 to 16 { scf.if %mine { ... } }     // first <= i < end
    gpu.barrier
    affine.for %j = 0 to 9 { scf.if %mine_0 { ... } }
    ```
  }];
  let options = [Option<"l2", "l2", "int64_t", /*default=*/"1 << 20", "Bytes of a core's second cache">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::gpu::GPUDialect",
                           "mlir::scf::SCFDialect"];
}

def AIFuseUpdatesPass : Pass<"ai-fuse-updates", "mlir::func::FuncOp"> {
  let summary = "make one linalg op of each element-wise chain of a combine";
  let description = [{
    - Needs: linalg on tensors, in a function with `ai.kind` other than "block" and "rest"; others are left
      alone.
    - Ensures: an element-wise op with one reader is part of that reader.
    - Fails when: never.

    ```mlir
    %0 = linalg.generic ... ins(%slot0, %slot1)    // %slot0 + %slot1
    %1 = linalg.generic ... ins(%w, %0)            // %w - 0.1 * %0
    // becomes
    %1 = linalg.generic ... ins(%w, %slot0, %slot1)
    ```
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "Producers taken into their readers">];
}

def AIPadInPlacePass : Pass<"ai-pad-in-place", "mlir::func::FuncOp"> {
  let summary = "make images inside the border that a convolution or pool wants around them";
  let description = [{
    - Needs: linalg on tensors, in which what sets elements of a copy to a constant leaves the images alone.
    - Ensures: a copy of images into a larger tensor is gone, where `linalg.generic`s alone write and read
      the images: they do so inside the larger tensor, at shifted indices. What sets its border comes
      first. An op whose bounds no operand tells any more has an operand of that shape, which it never
      reads.
    - Fails when: never.

    ```mlir
    %x = linalg.generic {indexing_maps = [..., (i, j) -> (i, j)]} ins(...) outs(%empty : tensor<8x8xf32>)
    %copy = linalg.generic {indexing_maps = [(i, j) -> (i, j), (i, j) -> (i + 1, j + 1)]}
      ins(%x) outs(%large : tensor<10x10xf32>)
    %padded = linalg.generic ... outs(%copy)       // sets the border
    // becomes
    %border = linalg.generic ... outs(%large)
    %padded = linalg.generic {indexing_maps = [..., (i, j) -> (i + 1, j + 1)]} ins(...) outs(%border)
    ```
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numInPlace", "num-in-place", "Copies that are gone">];
}

def AIPlanMemoryPass : Pass<"ai-plan-memory", "mlir::ModuleOp"> {
  let summary = "place every buffer at a constant offset of the program's regions";
  let description = [{
    Parameters, optimizer states, settings, metrics, panels with what they add up to, and gradient
    slots lie in the fixed region, a block's rows of a panel at the place of its slot there; staged
    samples, scalars and temporaries in the workspace of a thread, by best fit over lifetime
    intervals, 64-byte aligned.

    A function that GPU threads share (`ai.threads`) has its temporaries in shared memory. Where they do
    not fit, a barrier is put before or behind the loops that touch a buffer, if all take less bytes
    then; what still does not fit, the largest first, stays in the workspace, and a remark says so. Of a
    grid, allocations in the memory space of a workgroup lie in shared memory. Its outputs are a region
    of their own, its samples are arguments, and so is an entry of metrics, in which offsets count from
    its start; its scalars belong to a thread. Two buffers share bytes only if a barrier separates them.

    - Needs: memref arguments with `ai.role`; allocations of static shape.
    - Ensures: no allocation is left; functions have the signatures of `ai_program.h`; the layout is in
      the attributes `ai.tensors`, `ai.fixed_bytes`, `ai.slot_offset`, `ai.num_slots` of the module
      and `ai.tensors`, `ai.workspace_bytes`, `ai.slot_bytes` of each function.
    - Fails when: never.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::gpu::GPUDialect",
                           "mlir::memref::MemRefDialect"];
  let options = [Option<"sharedBytes", "shared-bytes", "int64_t", /*default=*/"49152",
      "Shared memory of a thread block">];
}

def AICheckMemoryPass : Pass<"ai-check-memory", "mlir::ModuleOp"> {
  let summary = "hold the memory plan against a limit";
  let description = [{
    A program takes `fixed + threads * workspace + 8 * batch` bytes, with the recipe's batch; one of
    plain functions `fixed + workspace` for each call. The error is where the buffers of the largest
    workspace take most bytes at once.

    - Needs: what `ai-plan-memory` leaves, for a processor; later passes move views.
    - Ensures: the plan takes at most `max-memory` bytes; nothing is changed.
    - Fails when: it takes more.
  }];
  let options = [
    Option<"maxMemory", "max-memory", "int64_t", /*default=*/"0", "Bytes that it may take">,
    Option<"threads", "threads", "int64_t", /*default=*/"1", "Threads that it counts with">];
}

def AIPrefetchOperandsPass : Pass<"ai-prefetch-operands", "mlir::func::FuncOp"> {
  let summary = "Prefetch what a reduction and the ops behind it read";
  let description = [{
    In front of an inner loop that carries accumulators stands an `affine.prefetch` for every read
    behind it, in the same block, of a buffer that is larger than the first cache and that the loop
    does not touch: the loop hides the way from memory, or from another core. It asks for the line to
    write where the block writes the buffer too. A core can wait for about ten lines at once, and stops
    when it is asked for more; so no more are asked for before a part of the loop has run.

    ```mlir
    affine.for %o = 0 to 128 {
      %dw = affine.for %n = 0 to 64 iter_args(%sum = %zero) { ... }
      %w = vector.transfer_read %weight[%o, %k] ...
    // becomes
    affine.for %o = 0 to 128 {
      affine.prefetch %weight[%o, %k], write, locality<3>, data : memref<128x9216xf32>
      %dw = affine.for ...
    ```

    And in the loop itself stand prefetches of what later iterations read of such a buffer, where each
    reads a part of another row and no loop around it reads that again: the hardware's streams end with
    a row.

    ```mlir
    affine.for %i = 0 to 400 step 25 {
      affine.for %o = 0 to 120 iter_args(...) {
        %0 = affine.load %weight[%o, %i] ... %24 = affine.load %weight[%o, %i + 24]
    // becomes
      affine.for %o = 0 to 120 iter_args(...) {
        affine.prefetch %weight[%o + 12, %i], ...
        affine.prefetch %weight[%o + 12, %i + 16], ...
    ```

    - Needs: buffers of static shape.
    - Ensures: hints are added, and loops cut into consecutive ones.
    - Fails when: never.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect"];
  let options = [
    Option<"l1", "l1", "int64_t", /*default=*/"32768", "Bytes of the first cache of a core">];
  let statistics = [Statistic<"numPrefetches", "num-prefetches", "Prefetches added">];
}

def AISkipMissingRowsPass : Pass<"ai-skip-missing-rows", "mlir::func::FuncOp"> {
  let summary = "end sums over a panel with the last row that there is";
  let description = [{
    The last panel of a batch of `count` samples has `(count - 1) mod size + 1` of `size` rows; those
    behind are zeros, or products of theirs are: a sample that is missing has no cotangent. A loop that
    does nothing but add up products of two rows, row by row, ends with those that there are: finite sums
    have the same bits.

    ```mlir
    %sum = affine.for %n = 0 to 48 iter_args(%acc = %zero) {
      %ct = affine.load %cts[%n, %o] ...
      %x = vector.transfer_read %inputs[%n, %k] ...
    // becomes
    %sum = affine.for %n = 0 to min(48, %rows) iter_args(%acc = %zero) { ...
    ```

    - Needs: what `ai-plan-memory` leaves: views of panels have the attribute `ai.panel`, and an argument the
      role "count". Functions whose `ai.kind` is not "combine" or "finish" are left alone.
    - Ensures: nothing else is changed.
    - Fails when: never.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numLoops", "num-loops", "Loops that end with the last row">];
}

def AIDescribeNestsPass : Pass<"ai-describe-nests", "mlir::ModuleOp"> {
  let summary = "write down what every nest of a step costs";
  let description = [{
    Adds the attribute `ai.nests` to the module: for each function of a step, what its nests are
    called, their floating-point operations and the bytes that they read, write and touch at all, in
    one run by all threads together.

    ```mlir
    affine.for %i = 0 to 10 {
      %0 = affine.load %x[%i] : memref<20xf32>
      %1 = arith.addf %0, %0 : f32
      affine.store %1, %x[%i] : memref<20xf32> loc("conv1")
    }
    // is described as
    {name = "conv1", flops = 10.0, bytes_read = 40.0, bytes_written = 40.0, working_set = 40.0, shared = false}
    ```

    Operations are additions, subtractions, multiplications and divisions, a multiply-add counting
    two. Bytes are distinct ones; where accesses of a buffer leave gaps, the smallest box around them
    counts. `shared` nests are those that threads share out.

    - Needs: functions with `ai.kind`; others are left alone.
    - Ensures: nothing else is changed.
    - Fails when: never. What is not known (a loop whose bounds vary) counts as 0 operations, and as
      a whole buffer.
  }];
}

def AIProfileNestsPass : Pass<"ai-profile-nests", "mlir::ModuleOp"> {
  let summary = "tell the runtime's profile where the time of a step goes";
  let description = [{
    Calls `ai_rt_profile_lap(ROW)` at the start of a block (row 0), of a combine (row 1) and behind
    every nest: the time since the last call of the thread belongs to that row.

    ```mlir
    func.func @step_block(%x: memref<10xf32>, %s: f32) attributes {ai.kind = "block"} {
      affine.for %i = 0 to 10 {
        %0 = arith.mulf %s, %s : f32
        affine.store %0, %x[%i] : memref<10xf32> loc("conv1")
      }
    // becomes
    func.func @step_block(%x: memref<10xf32>, %s: f32) attributes {ai.kind = "block"} {
      call @ai_rt_profile_lap(%c0) : (i64) -> () // "staging"
      affine.for %i = 0 to 10 { ... }
      call @ai_rt_profile_lap(%c2) : (i64) -> () // "conv1", 10 operations
    ```

    - Needs: functions with `ai.kind`; others are left alone.
    - Ensures: the rows are described in the attribute `ai.profile` of the module, as
      `ai-describe-nests` does.
    - Fails when: never.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect"];
}

def AICheckNaNPass : Pass<"ai-check-nan", "mlir::ModuleOp"> {
  let summary = "let the runtime look for a NaN behind every nest of a block";
  let description = [{
    Calls `ai_rt_check_nan(ROW, ADDRESS, COUNT, BYTES)` for the samples of a block, and behind every nest,
    or run of stores between nests, for each buffer of `COUNT` floats of `BYTES` bytes that it writes, if
    as many bytes have been written by then as it has. The runtime clears memory before each block.

    - Needs: functions with `ai.kind` "block" or "rest", before `ai-plan-memory` and instead of `ai-share-blocks`:
      threads of a team would look at what others have not written yet. Other functions are left alone.
    - Ensures: row ROW of the attribute `ai.checks` of the module names the nest, as `ai-describe-nests`
      does, or the samples.
    - Fails when: never.

    ```mlir
    affine.for %i = 0 to 10 {
      %0 = math.log %s : f32
      affine.store %0, %x[%i] : memref<10xf32> loc("log1")
    }
    // becomes
    affine.for %i = 0 to 10 { ... }
    %p = memref.extract_aligned_pointer_as_index %x : memref<10xf32> -> index
    %a = arith.index_cast %p : index to i64
    call @ai_rt_check_nan(%c0, %a, %c10, %c4) : (i64, i64, i64, i64) -> () // "log1"
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::memref::MemRefDialect"];
}

def AIEmitEntryPass : Pass<"ai-emit-entry", "mlir::ModuleOp"> {
  let summary = "write main, or the function of a library that returns the program's table";
  let description = [{
    Both call `ai_rt_program_select`, which picks the table for the processor that it runs on.

    - Needs: tables of `ai-emit-program`, in this module or in another object of the program.
    - Ensures: `@main` calls `ai_rt_main`, or the function named by `accessor` returns the table.
    - Fails when: never.
  }];
  let options = [
    ListOption<"programs", "programs", "std::string", "Symbols of the tables, the best first">,
    Option<"accessor", "accessor", "std::string", "\"\"",
      "Function that returns the table; empty: write main instead">];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def AIEmitProgramPass : Pass<"ai-emit-program", "mlir::ModuleOp"> {
  let summary = "write the runtime's table of the program";
  let description = [{
    - Needs: `ai-plan-memory`'s attributes on functions of the LLVM dialect.
    - Ensures: a constant of the module is an `ai_rt_program_t`, which other objects see, and
      nothing else.
    - Fails when: a feature is not NAME=BIT, a node has no name, op and shape.
  }];
  let options = [
    Option<"symbol", "symbol", "std::string", "\"ai.program\"", "What the table is called">,
    Option<"cpu", "cpu", "std::string", "\"\"", "Processor that the code is for">,
    Option<"cpus", "cpus", "std::string", "\"\"", "All processors that the program has code for">,
    Option<"maxMemory", "max-memory", "int64_t", "0", "Bytes that a model may take; 0: any">,
    ListOption<"features", "features", "std::string",
      "What the code needs of the processor, each with its bit, as in avx2=10">,
    ListOption<"nodes", "nodes", "std::string",
      "The model's graph, each node as 'NAME OP SHAPE INPUT ...', the shape as in ?x10 or scalar">];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def AIFuseNestsPass : Pass<"ai-fuse-nests", "mlir::func::FuncOp"> {
  let summary = "Fuse affine nests that run over the same slices";
  let description = [{
    Puts a loop and the loop that consumes what it writes into one, from the outside in, where
    both have the same range and no iteration touches what another iteration of the other loop
    writes. Nests that stand in between are passed over if they touch none of it. At most one of
    the two may hold a reduction: its initialisation and what follows it elementwise join it. Between
    two reductions, what makes more than it reads, patches or tiles of an image, joins its reader.

    ```mlir
    affine.for %i = 0 to 8 {
      vector.transfer_write %zero, %y[%i, %c0] ...
    }
    affine.for %i = 0 to 8 {
      affine.for %k = 0 to 4 { ... %y[%i, %c0] ... }
    }
    // becomes
    affine.for %i = 0 to 8 {
      vector.transfer_write %zero, %y[%i, %c0] ...
      affine.for %k = 0 to 4 { ... %y[%i, %c0] ... }
    }
    ```

    - Needs: arguments of a function do not overlap in memory.
    - Ensures: the function does the same reads and writes per element, in the same order.
    - Fails when: never; what it doesn't understand stays as it is and where it is.
  }];
  let statistics = [Statistic<"numFused", "num-fused", "Loops fused into the one before">];
}

def AITileRegistersPass : Pass<"ai-tile-registers", "mlir::func::FuncOp"> {
  let summary = "Order, cut, unroll and jam the loops of reductions into register tiles";
  let description = [{
    Chooses for every reduction the loops to jam, and by which factors, so that the accumulators
    and the smaller operand fit the registers and a multiply-add needs few loads; reports the
    choice as a remark. Loops that index the result inside the innermost reduction loop, or that
    something behind the reduction reads as a whole, are unrolled completely, and of six if they
    select by their index; what the iterations of those read is read once.

    ```mlir
    affine.for %o = 0 to 8 {
      affine.for %k = 0 to 4 { y[%o] += x[%k] * w[%o, %k] }
    }
    // becomes
    affine.for %k = 0 to 4 { y[0] += x[%k] * w[0, %k] ... y[7] += x[%k] * w[7, %k] }
    ```

    Two more things count in a tile's cost. Rows of scalars whose distance is a multiple of 4096 bytes
    share eight places of the first cache: if more are read side by side, each of their loads is
    dearer. And so is a multiply-add, by a quarter, where iterations are jammed that hand on more
    from nest to nest than that cache holds.

    Before that it orders the loops around a reduction: the one moves inward along which the next
    tile finds most of its operands in the first cache. And it cuts loops where that makes a better
    tile: the last iterations of a loop whose length has no good divisor get a tile of their own, and
    a row of a scattered result that is too long for the registers moves out of the loops that repeat
    it, but for a segment.

    ```mlir
    affine.for %i = 0 to 3 {
      affine.for %o = 0 to 7 {
        affine.for %x = 0 to 29 {
          affine.for %q = 0 to 3 { y[%i, %x + %q] += ct[%o, %x] * w[%o, %i, %q] }
    // becomes, before the loops over %i, the segment and %q are unrolled
    affine.for %s = 0 to 24 step 6 {
      affine.for %i = 0 to 3 {
        affine.for %o = 0 to 7 {
          affine.for %x = 0 to 6 {
            affine.for %q = 0 to 3 { y[%i, %s + %x + %q] += ct[%o, %s + %x] * w[%o, %i, %q] }
    ...
    affine.for %i = 0 to 3 { ... } // the last segment, of 5
    ```

    - Needs: arguments of a function do not overlap in memory.
    - Ensures: each element collects its terms in the same order as before, but for sums where two
      segments of a row meet.
    - Fails when: never; a loop whose iterations depend on each other is neither jammed nor moved.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect"];
  let options = [Option<"registers", "registers", "int64_t", /*default=*/"32",
      "Vector registers of the machine">,
    Option<"l1", "l1", "int64_t", /*default=*/"32768", "Bytes of the first cache of a core">];
  let statistics = [Statistic<"numTiled", "num-tiled", "Reductions given a register tile">];
}

def AIHoistAccumulatorsPass : Pass<"ai-hoist-accumulators", "mlir::func::FuncOp"> {
  let summary = "Carry accumulators in registers";
  let description = [{
    Inside a block, reads are replaced by what was stored or loaded there before, and writes that
    are overwritten unread are erased. What every iteration of a loop reads and writes at one
    place becomes a value that the loop carries. Allocations that are never read disappear.

    ```mlir
    affine.for %k = 0 to 4 {
      %0 = vector.transfer_read %y[%o, %c0] ...
      %1 = vector.fma %a, %b, %0
      vector.transfer_write %1, %y[%o, %c0] ...
    }
    // becomes
    %0 = vector.transfer_read %y[%o, %c0] ...
    %1 = affine.for %k = 0 to 4 iter_args(%acc = %0) {
      %2 = vector.fma %a, %b, %acc
      affine.yield %2
    }
    vector.transfer_write %1, %y[%o, %c0] ...
    ```

    - Needs: arguments of a function do not overlap in memory.
    - Ensures: memory holds the same afterwards.
    - Fails when: never; an access whose place is not known keeps all it may touch in memory.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect"];
  let statistics = [
    Statistic<"numHoisted", "num-hoisted", "Accumulators carried by a loop">,
    Statistic<"numForwarded", "num-forwarded", "Reads replaced by a value known before">,
    Statistic<"numErased", "num-erased", "Writes that were overwritten unread">];
}

def AIShrinkBuffersPass : Pass<"ai-shrink-buffers", "mlir::func::FuncOp"> {
  let summary = "Keep one slice of a buffer that a loop uses slice by slice";
  let description = [{
    A buffer all of whose uses lie in one loop, each iteration in its own slice, needs to hold one
    slice only. Goes on with the loops inside, as long as each cuts the buffer.

    ```mlir
    %b = memref.alloc() : memref<8x16xf32>
    affine.for %i = 0 to 8 { ... %b[%i, %c0] ... }
    // becomes
    %b = memref.alloc() : memref<1x16xf32>
    affine.for %i = 0 to 8 { ... %b[%c0, %c0] ... }
    ```

    - Needs: allocations that are not placed in an arena yet.
    - Ensures: no buffer is larger than before.
    - Fails when: never; a buffer with a view or an unknown use keeps its size.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numShrunk", "num-shrunk", "Buffers made smaller">];
}

def AIExpandMathPass : Pass<"ai-expand-math", "mlir::ModuleOp"> {
  let summary = "Expand exp, log, tanh and their like into polynomials and calls of libm";
  let description = [{
    `exp`, `expm1`, `log`, `log1p`, `tanh` and `erf` of f32 become polynomials (errors below 5 units in the
    last place; NaN, infinities and denormal arguments as in libm), for scalars too, so that
    an element's value does not depend on its place in a vector. A power with a simple
    constant exponent becomes products or a root. All other functions without an
    instruction, and those of f64, become one call of libm for each element.

    ```mlir
    %0 = math.sin %x : vector<2xf64>
    // becomes
    %1 = vector.extract %x[0] : f64 from vector<2xf64>
    %2 = func.call @sin(%1) : (f64) -> f64
    ...
    ```

    - Needs: math on scalars or vectors of f32 and f64.
    - Ensures: of math only what is an instruction or an exact LLVM intrinsic (`sqrt`,
      `absf`, `floor`, `fma`, ...).
    - Fails when: a function has neither an expansion nor a name in libm.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::math::MathDialect", "mlir::vector::VectorDialect"];
  let options = [Option<"libm", "libm", "bool", /*default=*/"true",
      "Call libm for what has no polynomial; otherwise it is left as it is">];
}

#endif // AI_CODEGEN_PASSES
