// The passes of lib/Codegen/GPU: what each needs, ensures, and when it fails.

#ifndef AI_CODEGEN_GPU_PASSES
#define AI_CODEGEN_GPU_PASSES

include "mlir/Pass/PassBase.td"

def AIStageParametersPass : Pass<"ai-stage-parameters", "mlir::func::FuncOp"> {
  let summary = "Copy small parameters that a thread block reads often to a buffer of its own";
  let description = [{
    A parameter whose elements are read at least 16 times, as those of a convolution are, is copied
    once; its readers read the copy, which `ai-plan-memory` puts into shared memory. Parameters come in
    the order of the arguments as long as they fit in `bytes` together: activations need the rest.

    - Needs: linalg on memrefs; a function of `ai.kind` "block", others are left alone.
    - Ensures: equal values.
    - Fails when: never.

    ```mlir
    linalg.conv_2d_nchw_fchw ins(%x, %w : ...) outs(%y : ...)
    // becomes
    %copy = memref.alloc() : memref<16x6x5x5xf32>
    linalg.copy ins(%w : memref<16x6x5x5xf32>) outs(%copy : memref<16x6x5x5xf32>)
    linalg.conv_2d_nchw_fchw ins(%x, %copy : ...) outs(%y : ...)
    ```
  }];
  let options = [Option<"bytes", "bytes", "int64_t", /*default=*/"16384",
      "Bytes that all copies of a function take at most">];
  let statistics = [Statistic<"numStaged", "num-staged", "Parameters that were copied">];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::memref::MemRefDialect"];
}

def AIPlaceCallOperandsPass : Pass<"ai-place-call-operands", "mlir::func::FuncOp"> {
  let summary = "Give library calls dense operands that lie in the arena";
  let description = [{
    A library is told where an operand lies when a program starts. What has no such place is copied by
    kernels of ours, before the call or, of what it writes, behind it: the samples of a batch, which are
    rows of a data set; rows, metrics and constants; a part of a buffer, where elements leave gaps.

    ```mlir
    library.call matmul(%input, %w) into %y : (memref<64x4xf32>, memref<4x3xf32>), memref<64x3xf32>
    // becomes
    %0 = memref.alloc() : memref<64x4xf32>
    linalg.copy ins(%input : memref<64x4xf32>) outs(%0 : memref<64x4xf32>)
    library.call matmul(%0, %w) into %y : (memref<64x4xf32>, memref<4x3xf32>), memref<64x3xf32>
    ```

    - Needs: `library.call` on memrefs; roles of the function's arguments (`ai.role`).
    - Ensures: operands of calls are dense views of whole allocations, or of arguments whose place is known.
    - Fails when: never.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numCopies", "num-copies", "Operands that are copied">];
}

def AIMapToThreadsPass : Pass<"ai-map-to-threads", "mlir::func::FuncOp"> {
  let summary = "Lower linalg on memrefs to affine loops that the threads of a GPU share";
  let description = [{
    Every element of an op's result belongs to one thread, which runs all loops that the result has
    no index for: sums keep their order. Where loops add up to an index (a scatter), the thread of an
    element looks for the iterations that reach it. Ops that touch each other's results at the same
    element become one loop, the element a register.

    ```mlir
    linalg.matvec ins(%w, %x : memref<120x400xf32>, memref<400xf32>) outs(%y : memref<120xf32>)
    // becomes
    %t = gpu.thread_id x
    affine.if affine_set<()[s0] : (119 - s0 >= 0)>()[%t] {
      %0 = affine.load %y[%t] : memref<120xf32>
      %1 = affine.for %k = 0 to 400 iter_args(%sum = %0) -> (f32) { ... }
      affine.store %1, %y[%t] : memref<120xf32>
    }
    ```

    A function of `ai.kind` other than "block" (a combine) is run by a grid with a thread for each
    element; all others by one thread block, or, with `grids`, by a grid as well: their attribute `ai.grid`
    says so. What stands before a `library.call` stays before it, and no loop has ops of both sides. The
    attribute `ai.elements` of a loop counts them. In a
    thread block an element whose sum is long, in f32, belongs to a warp, if the block is done sooner: each
    thread adds every 32nd term, and `gpu.shuffle` adds up the threads' sums in a fixed tree.

    What is read once serves as many elements as it can. In a thread block a thread computes up to 8
    neighbours along the last index together, such as the samples of a block, if they share an operand.
    In a grid a product of two panels, `out[o,k] += sum_n lhs[n,o] * rhs[n,k]`, is computed in tiles of 32
    rows: a thread block copies its columns of both panels into shared memory first. What leaves a thread
    block leaves it as soon as it can.

    With a `precision` of tf32 or bf16 tensor cores compute products of two matrices of f32: sums of a
    product of two operands, `out[r,c] += sum_k lhs[r,k] * rhs[k,c]`, where r, c and k each stand for any
    number of loops, as in a convolution and both its gradients. A warp computes tiles of 16 x 8 elements with
    `nvvm.mma.sync`, up to four side by side, and all terms of their sums in one order. What reaches
    beyond the end of a matrix, or of a scatter, is a zero. Factors are rounded to 11 or 8 significant bits, to
    nearest, when they are loaded; sums are f32, and so is all that is no product. A product is left to
    threads where they are done sooner: small ones fill no tiles. A remark gives both estimates.

    - Needs: linalg on memrefs of static shape, at the top of the function.
    - Ensures: no linalg op; the function's attribute `ai.threads` is the size of a thread block. What
      one loop writes and another one touches still needs a barrier (`ai-insert-barriers`).
    - Fails when: an op works on tensors, has a dynamic shape, or a result of 2^31 elements or more; the precision
      is another word.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::gpu::GPUDialect", "mlir::linalg::LinalgDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect",
                           "mlir::NVVM::NVVMDialect"];
  let options = [Option<"threads", "threads", "int64_t", /*default=*/"256",
      "Threads of a thread block">,
                 Option<"grids", "grids", "bool", /*default=*/"false",
      "Whether grids run all functions">,
                 Option<"precision", "precision", "std::string", /*default=*/"\"f32\"",
      "What factors of products are rounded to: f32, tf32 or bf16">];
  let statistics = [Statistic<"numNests", "num-nests", "Loops that threads share">,
                    Statistic<"numWarpSums", "num-warp-sums", "Sums shared by the threads of a warp">,
                    Statistic<"numTiled", "num-tiled", "Products of panels in tiles">,
                    Statistic<"numTensorTiled", "num-tensor-tiled", "Products left to tensor cores">,
                    Statistic<"numRegisters", "num-registers", "Buffers that became registers">];
}

def AIInsertBarriersPass : Pass<"ai-insert-barriers", "mlir::func::FuncOp"> {
  let summary = "Let threads wait where one reads or overwrites what another touched";
  let description = [{
    One `gpu.barrier` before every loop that touches memory which another thread has written since the
    last barrier, or writes what one has read. Between independent loops there is none, nor between
    loops whose threads touch only the element of their own number, nor between those that are left to
    one thread. In a function that a grid runs, a barrier stands for the end of a kernel.

    - Needs: `ai-map-to-threads`; arguments and allocations do not overlap.
    - Ensures: between two barriers no thread touches what another one writes.
    - Fails when: never.
  }];
  let dependentDialects = ["mlir::gpu::GPUDialect"];
  let statistics = [Statistic<"numBarriers", "num-barriers", "Barriers">];
}

def AIOutlineKernelsPass : Pass<"ai-outline-kernels", "mlir::ModuleOp"> {
  let summary = "Make kernels of the functions that GPU threads share";
  let description = [{
    A function becomes one `gpu.func` of the module `@kernels`; one that a grid runs becomes as many as
    its barriers divide it into. All take (fixed, workspace, staged, inputs, targets, metrics, batch,
    first, count); step, epoch, seed, the entry of `metrics` that is written, and the rows of the
    samples are read from `batch` (`AI_RT_BATCH_STEP` ... of ai_program.h). Thread block i of a step's
    block works on its `ai.size` samples from `first + i * ai.size` on, in slot i; rows are multiples of
    16 bytes apart. Samples past the last one of the batch are the last one once more.

    A `library.call` becomes an entry of that list instead: what is computed (`call`), and of each operand
    region, offset and shape.

    - Needs: `ai-plan-memory` of functions with `ai.threads`.
    - Ensures: what is left of each such function is a declaration whose attribute `ai.kernels` lists
      name, grid (0: one thread block for each block of samples), threads and bytes of shared memory.
    - Fails when: samples are touched otherwise than by loads of elements; the place of a call's operand is
      no constant.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::gpu::GPUDialect",
                           "mlir::memref::MemRefDialect"];
}

def AIJoinKernelsPass : Pass<"ai-join-kernels", "mlir::ModuleOp"> {
  let summary = "Make one kernel of the kernels of many training steps";
  let description = [{
    Adds a kernel `@NAME_epoch` for each training step, and its name, the thread blocks that have work at
    once, threads and bytes of shared memory as `ai.epoch` to the function of its block. It runs steps on
    `first` samples, `count` of them a step, in the last one what is left; the batch's record of a step
    is `AI_RT_BATCH_ROWS + count` words behind the one before. The kernels of the step are its phases:
    blocks, folds, combines, as often and in the order that they are launched in for one step. Thread
    block i of a grid of G does what the thread blocks i, i + G, ... of a launch do, so nothing that is
    computed depends on G. Slots and rows of blocks that a batch has not are cleared.

    ```mlir
    gpu.func @step_block(...) kernel { BLOCK }
    gpu.func @step_combine_0(...) kernel { COMBINE }
    // is joined to
    gpu.func @step_epoch(...) kernel {
      scf.for %sample = %c0 to %first step %count {
        scf.for %number = %block_id_x to %slots step %grid_dim_x {
          func.call @ai_begin_turn()
          func.call @joined_step_block(...)
        }
        func.call @ai_grid_barrier()
        scf.for %number = %block_id_x to %c52 step %grid_dim_x { /* the same for @joined_step_combine_0 */ }
        func.call @ai_grid_barrier()
      }
    }
    ```

    The phases are functions of their own, which are not to be inlined. `ai_grid_barrier` stands for a
    barrier of all threads of the grid, which are resident at once; `ai_begin_turn` for one of the thread block, behind which its shared memory holds anything.

    - Needs: `ai-outline-kernels`, then `lower-affine`: no loop may stand around affine symbols.
    - Ensures: the kernels are left as they are.
    - Fails when: the kernels of a step have thread blocks of different sizes.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::gpu::GPUDialect", "mlir::memref::MemRefDialect",
                           "mlir::NVVM::NVVMDialect", "mlir::scf::SCFDialect"];
}

def AILowerJoinedKernelsPass : Pass<"ai-lower-joined-kernels", "mlir::gpu::GPUModuleOp"> {
  let summary = "Write what joined kernels are made of in instructions of a GPU";
  let description = [{
    The functions that are no kernels take pointers to global memory. A call of `ai_begin_turn` becomes a
    barrier of the thread block, one of `ai_grid_barrier` becomes a barrier of the thread block; in its first thread a fence, an addition to a counter, and acquire loads of
    it until the last thread block has added itself; and a second barrier of the thread block. The
    counter is the barrier of NVIDIA's cooperative groups (`cooperative_groups/details/sync.h`): block 0
    adds 2^31 - (blocks - 1), each other one 1, so its highest bit changes once with every barrier.

    - Needs: `ai-join-kernels`, kernels lowered to LLVM and NVVM; all thread blocks are resident (a
      cooperative launch).
    - Ensures: no call of the two is left; what was written in front of a barrier by any thread of
      the grid is seen behind it by all.
    - Fails when: never.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::NVVM::NVVMDialect"];
}

def AIDescribeKernelsPass : Pass<"ai-describe-kernels", "mlir::ModuleOp"> {
  let summary = "write down what every kernel loads, stores and computes";
  let description = [{
    Adds the attribute `ai.kernel_costs` to the module: for each function of the host the entries of its
    `ai.kernels`, with the bytes that all threads load and store, in global and in shared memory, and
    their floating-point operations as `ai-describe-nests` counts them. Every access counts, whether a
    cache answers it or not, as the emulator counts with `AI_GPU_CHECK=bytes`. A kernel with grid 0
    is counted for one thread block, that of one block of samples.

    ```mlir
    affine.if affine_set<()[s0] : (9 - s0 >= 0)>()[%thread] {
      %0 = affine.load %x[symbol(%thread)] : memref<10xf32>
      affine.store %0, %shared[symbol(%thread)] : memref<10xf32, #gpu.address_space<workgroup>>
    }
    // is described as
    {flops = 0, loaded = 40, stored = 0, shared_loaded = 0, shared_stored = 40}
    ```

    - Needs: `ai-outline-kernels`.
    - Ensures: nothing else is changed.
    - Fails when: the bounds of a loop vary.
  }];
}

def AIExpandDeviceMathPass : Pass<"ai-expand-device-math", "mlir::gpu::GPUModuleOp"> {
  let summary = "Expand functions that a GPU has no instruction for";
  let description = [{
    What `ai-expand-math` leaves of math in a kernel: roots and roundings become intrinsics; `exp`,
    `log`, `tanh`, `sin`, `cos` and `powf` become series in f64, for f32 as well. NaN, infinities and
    denormal arguments are as in libm; `sin` and `cos` beyond 2^52 are NaN. Errors: below 2 units in
    the last place; of a power in f64 |y log x| times as large.

    - Needs: math on scalars of f32 and f64.
    - Ensures: no call of a library; of math only `fma`.
    - Fails when: a function has no expansion.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::LLVM::LLVMDialect"];
}

def AIMutateKernelsPass : Pass<"ai-mutate-kernels", "mlir::gpu::GPUModuleOp"> {
  let summary = "Put one mistake into the kernels: for tests of the emulator";
  let description = [{
    One place, counted through all kernels, becomes wrong: of kind `barrier` a barrier is removed; of
    kind `fence` only the threads of a warp still wait for each other there; of kind `grid` only those of a
    thread block, at a barrier of the grid; of kind `index` a load or store of memory that threads share is
    of the element behind its own.

    - Needs: kernels lowered to LLVM and NVVM.
    - Ensures: nothing.
    - Fails when: there is no such kind, or no place of that number; the error says how many there are.
  }];
  let options = [
    Option<"kind", "kind", "std::string", [{""}], "barrier, fence, grid or index">,
    Option<"number", "number", "int64_t", "0", "Which one">
  ];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::NVVM::NVVMDialect"];
}

def AIEmulateKernelsPass : Pass<"ai-emulate-kernels", "mlir::ModuleOp"> {
  let summary = "Compile GPU kernels for the host as well";
  let description = [{
    Every function of a `gpu.module` in the NVVM dialect is copied to a function `@emulate.NAME` whose
    last argument is the record of a thread (`ai_rt_gpu_thread_t`): registers of the GPU are read from
    it, barriers of a block and of a warp are calls, shared memory begins where it says, and each access is compared with the
    bounds of its memory first.

    - Needs: kernels lowered to LLVM and NVVM.
    - Ensures: functions of the LLVM dialect beside the `gpu.module`, which stays as it is.
    - Fails when: a kernel has an NVVM op that the emulator does not know.
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

#endif // AI_CODEGEN_GPU_PASSES
