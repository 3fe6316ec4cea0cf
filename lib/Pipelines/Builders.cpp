// What each stage runs. Upstream passes wherever they do the work.

#include "lib/Pipelines/Builders.h"

#include "ai/Autodiff/Passes.h"
#include "ai/Codegen/Passes.h"
#include "ai/Conversion/Passes.h"
#include "ai/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace ai {

/// Samples that libraries are given at once, at most: what they need grows with it.
static constexpr int64_t kRoundSamples = 512;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void buildShaped(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createAIInferShapesPass());
  pm.addPass(createAICheckModelPass());
}

void buildDifferentiated(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createAILiftParametersPass());
  AIDifferentiatePassOptions differentiate;
  differentiate.keepGradients = options.keepGradients;
  pm.addPass(createAIDifferentiatePass(differentiate));
  pm.addPass(createAIExpandOptimizerPass());
}

void buildFused(OpPassManager &pm, const PipelineOptions &options) {
  addCleanup(pm);
  AIFuseOperatorsPassOptions fuse;
  fuse.remarks = options.remarks;
  pm.addNestedPass<func::FuncOp>(createAIFuseOperatorsPass(fuse));
  if (options.watch)
    pm.addPass(createAIWatchValuesPass());
}

void buildBlocked(OpPassManager &pm, const PipelineOptions &options) {
  AIBlockBatchPassOptions block;
  block.vectorBits = options.vectorBits;
  if (options.callsLibraries()) {
    block.roundSamples = kRoundSamples;
  } else if (options.isForGPU) {
    block.sharedBytes = options.sharedBytes;
  } else if (!options.watch) { // whose values are compared in one kind of block
    AIAddSmallBatchesPassOptions small;
    small.vectorBits = options.vectorBits;
    small.masks = options.hasMasks;
    small.l2 = options.l2;
    pm.addPass(createAIAddSmallBatchesPass(small));
  }
  pm.addPass(createAIBlockBatchPass(block));
  if (options.isForGPU) // its threads share out all that is in memory
    return;
  AIChooseLanesPassOptions lanes;
  lanes.l2 = options.l2;
  lanes.vectorBits = options.vectorBits;
  lanes.masks = options.hasMasks;
  pm.addPass(createAIChooseLanesPass(lanes));
}

void buildLinalg(OpPassManager &pm, const PipelineOptions &options) {
  AIOutlineBlocksPassOptions outline;
  outline.stagesLanes = !options.isForGPU;
  pm.addPass(createAIOutlineBlocksPass(outline));
  ConvertAIToLinalgPassOptions linalg;
  linalg.l1 = options.l1;
  linalg.conv = options.conv;
  linalg.callsLibraries = options.callsLibraries();
  linalg.vectorBits = options.vectorBits;
  linalg.masks = options.hasMasks;
  pm.addPass(createConvertAIToLinalgPass(linalg));
  addCleanup(pm); // of the copies that two ops want of the same images, one is left
  pm.addNestedPass<func::FuncOp>(createAIPadInPlacePass());
  pm.addNestedPass<func::FuncOp>(createAIFuseUpdatesPass());
}

void buildBuffers(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createAIBindResultsPass());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createEmptyTensorToAllocTensorPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  bufferize.bufferAlignment = 64;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  addCleanup(pm);
  pm.addPass(createCanonicalizerPass());
}

/// Loops of a CPU: vectors, register tiles.
static void buildCPULoops(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &f = pm.nest<func::FuncOp>();
  AIVectorizeLanesPassOptions lanes;
  lanes.vectorBits = options.vectorBits;
  lanes.masks = options.hasMasks;
  f.addPass(createAIVectorizeLanesPass(lanes));
  addCleanup(f);
  if (options.optLevel > 0) {
    f.addPass(createAIFuseNestsPass());
    AITileRegistersPassOptions tile;
    tile.registers = options.vectorRegisters;
    tile.l1 = options.l1;
    f.addPass(createAITileRegistersPass(tile));
    addCleanup(f);
    f.addPass(createAIHoistAccumulatorsPass());
    addCleanup(f);
    f.addPass(createAIShrinkBuffersPass());
  }
  pm.addPass(createAIExpandMathPass());
  pm.addNestedPass<func::FuncOp>(createAIPartitionCombinePass());
  AIShareBlocksPassOptions share;
  share.l2 = options.l2;
  if (options.checkNaN) {
    pm.addPass(createAICheckNaNPass());
  } else {
    pm.addNestedPass<func::FuncOp>(createAIDistributeNestsPass());
    pm.addNestedPass<func::FuncOp>(createAIShareBlocksPass(share));
  }
  pm.addPass(createAIPlanMemoryPass());
  if (options.maxMemory > 0) {
    AICheckMemoryPassOptions check;
    check.maxMemory = options.maxMemory;
    check.threads = options.threads;
    pm.addPass(createAICheckMemoryPass(check));
  }
  addCleanup(pm);
  if (options.optLevel > 0) {
    AIPrefetchOperandsPassOptions prefetch;
    prefetch.l1 = options.l1;
    pm.addNestedPass<func::FuncOp>(createAIPrefetchOperandsPass(prefetch));
    pm.addNestedPass<func::FuncOp>(createAISkipMissingRowsPass());
  }
  if (options.describe)
    pm.addPass(createAIDescribeNestsPass());
  if (options.profile)
    pm.addPass(createAIProfileNestsPass());
}

/// Loops of a GPU: every element a thread, then kernels.
static void buildGPULoops(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &f = pm.nest<func::FuncOp>();
  AIMapToThreadsPassOptions map;
  map.grids = options.callsLibraries();
  map.precision = options.precision;
  if (options.callsLibraries())
    f.addPass(createAIPlaceCallOperandsPass());
  else
    f.addPass(createAIStageParametersPass());
  f.addPass(createAIMapToThreadsPass(map));
  addCleanup(f);
  f.addPass(createAIInsertBarriersPass());
  AIExpandMathPassOptions math;
  math.libm = false;
  pm.addPass(createAIExpandMathPass(math));
  AIPlanMemoryPassOptions plan;
  plan.sharedBytes = options.sharedBytes;
  pm.addPass(createAIPlanMemoryPass(plan));
  pm.addPass(createAIOutlineKernelsPass());
  addCleanup(pm);
  if (options.describe)
    pm.addPass(createAIDescribeKernelsPass());
}

void buildLoops(OpPassManager &pm, const PipelineOptions &options) {
  options.isForGPU ? buildGPULoops(pm, options) : buildCPULoops(pm, options);
}

/// Kernels become NVVM, and once more functions of the host, for the emulator.
static void lowerKernels(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &loops = pm.nest<gpu::GPUModuleOp>();
  loops.addPass(createLowerAffinePass());
  loops.addPass(createCanonicalizerPass());
  // Positions are small and not negative: divisions of 32 bits without a sign.
  loops.addPass(arith::createIntRangeOptimizationsPass());
  loops.addPass(arith::createArithUnsignedWhenEquivalentPass());
  addCleanup(loops);
  arith::ArithIntRangeNarrowingOptions narrow;
  narrow.bitwidthsSupported = {32};
  loops.addPass(arith::createArithIntRangeNarrowing(narrow));
  addCleanup(loops);
  if (options.isPersistent)
    pm.addPass(createAIJoinKernelsPass());
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createAIExpandDeviceMathPass());
  kernels.addPass(createConvertMathToLLVMPass());
  ConvertGpuOpsToNVVMOpsOptions nvvm;
  nvvm.useBarePtrCallConv = true;
  kernels.addPass(createConvertGpuOpsToNVVMOps(nvvm));
  addCleanup(kernels);
  kernels.addPass(createReconcileUnrealizedCastsPass());
  if (!options.mutant.empty()) {
    AIMutateKernelsPassOptions mutant;
    auto [kind, number] = StringRef(options.mutant).split(':');
    mutant.kind = kind.str();
    if (number.getAsInteger(10, mutant.number))
      mutant.number = -1; // refused by the pass
    kernels.addPass(createAIMutateKernelsPass(mutant));
  }
  pm.addPass(createAIEmulateKernelsPass());
  if (options.isPersistent)
    pm.addNestedPass<gpu::GPUModuleOp>(createAILowerJoinedKernelsPass());
}

void buildLLVM(OpPassManager &pm, const PipelineOptions &options) {
  if (options.isForGPU)
    lowerKernels(pm, options);
  // Function by function, on several threads, as far as that goes.
  OpPassManager &f = pm.nest<func::FuncOp>();
  // First of all, while there are few ops to walk over: what it leaves is affine again.
  f.addPass(memref::createExpandStridedMetadataPass());
  f.addPass(createLowerAffinePass());
  f.addPass(createCSEPass());
  f.addPass(createSCFToControlFlowPass());
  f.addPass(createConvertVectorToLLVMPass());
  f.addPass(createConvertMathToLLVMPass());
  f.addPass(createArithToLLVMConversionPass());
  f.addPass(createUBToLLVMConversionPass());
  f.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions func;
  func.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(func));
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addNestedPass<LLVM::LLVMFuncOp>(createReconcileUnrealizedCastsPass());
  AIEmitProgramPassOptions program;
  program.symbol = options.symbol;
  program.cpu = options.cpu;
  program.cpus = options.cpus;
  program.maxMemory = options.maxMemory;
  llvm::append_range(program.features, options.features);
  llvm::append_range(program.nodes, options.nodes);
  pm.addPass(createAIEmitProgramPass(program));
  if (options.hasEntry)
    buildEntry(pm, {options.symbol}, options.accessor);
}

void buildEntry(OpPassManager &pm, ArrayRef<std::string> programs, StringRef accessor) {
  AIEmitEntryPassOptions entry;
  llvm::append_range(entry.programs, programs);
  entry.accessor = accessor.str();
  pm.addPass(createAIEmitEntryPass(entry));
}

} // namespace ai
