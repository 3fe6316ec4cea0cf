// What a region of an ai.for_blocks is made of: the batched ops of a step on one block of samples.

#ifndef AI_LIB_TRANSFORMS_BLOCKREGION_H
#define AI_LIB_TRANSFORMS_BLOCKREGION_H

#include "dialects/ai/AIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace ai {

/// What blocks are computed by.
enum class Worker {
  Core,        ///< Vector registers: a sum for each lane is left to the combine.
  ThreadBlock, ///< In shared memory.
  Grid         ///< Of a GPU: a block is a whole round, and row major.
};

/// A sum over the batch: the op's result, what a block yields for it, and what is left to do behind
/// the map.
struct Sum {
  mlir::Value original, partial;
  std::function<mlir::Value(mlir::OpBuilder &, mlir::Value)> finish;
};

/// What the ops of a step do on one block of `size` samples: a region of the map.
class RegionWriter {
public:
  /// `isAddedUp` says that blocks add up their samples where one sum for each could be left.
  RegionWriter(mlir::func::FuncOp f, int64_t size, Worker worker, bool isAddedUp);

  /// Adds an op of the step, after those that it reads. Failure, reported at the op, if it mixes
  /// samples in a way that has no sum for each block.
  mlir::LogicalResult add(mlir::Operation *op);

  /// Yields the sums, and the rows of `joined`. Returns the region's only block.
  std::unique_ptr<mlir::Block> finish(llvm::ArrayRef<mlir::Value> joined);

  llvm::ArrayRef<Sum> getSums() const { return sums; }

private:
  mlir::Attribute samplesAsLanes();
  mlir::RankedTensorType blockType(mlir::Type type, bool lanes);
  void yieldPerSample(ReduceSumOp op);
  void addSumInTwo(ReduceSumOp op);
  mlir::Value sumOfSamples(ReduceSumOp op);
  void addWeightGradient(Conv2DWeightGradientOp op);
  void yieldSum(mlir::Operation *op, mlir::Value sum);
  mlir::Value relayout(mlir::Value value, mlir::RankedTensorType type);
  mlir::Value rowsOf(mlir::Value value);
  mlir::LogicalResult addProduct(MatMulOp op);

  mlir::func::FuncOp function;
  mlir::OpBuilder b;
  int64_t size;
  Worker worker;
  bool isAddedUp;
  std::unique_ptr<mlir::Block> block;
  mlir::IRMapping mapping;
  llvm::DenseMap<mlir::Value, mlir::Value> rowMajor;
  llvm::SmallVector<Sum> sums;
};

} // namespace ai

#endif // AI_LIB_TRANSFORMS_BLOCKREGION_H
