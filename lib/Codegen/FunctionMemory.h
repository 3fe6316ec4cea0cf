// The buffers of one function, and where they lie in its regions.

#ifndef AI_LIB_CODEGEN_FUNCTIONMEMORY_H
#define AI_LIB_CODEGEN_FUNCTIONMEMORY_H

#include "lib/Codegen/Placement.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ai {

inline constexpr int64_t kBufferAlignment = 64;
int64_t alignedBytesOf(mlir::Type type);

/// What the roles of arguments tell.
bool isIn(llvm::StringRef role, llvm::ArrayRef<llvm::StringRef> roles);
bool isScalar(llvm::StringRef role);
bool isSample(llvm::StringRef role);
bool isStaged(llvm::StringRef role);

/// Where temporaries, staged samples and scalars lie. Those whose lives overlap never share bytes
/// (Placement.h). To spare shared memory of a GPU, barriers may be added.
class FunctionMemory {
public:
  /// On a GPU a thread block has `sharedLimit` bytes of shared memory.
  FunctionMemory(mlir::func::FuncOp f, int64_t sharedLimit);

  /// A line for each region, and one for each of its buffers, by offset.
  void describe(llvm::raw_ostream &text);

  /// Of an argument, in its region.
  int64_t offsetOf(mlir::Value argument);

  bool isOnGPU;
  bool isTeams;                             ///< A block that threads of a CPU may share.
  llvm::SmallVector<Buffer> workspace, own; ///< `own`: of each thread of a team.
  llvm::SmallVector<Buffer> staged, shared; ///< On a GPU, its two other regions.
  int64_t workspaceBytes = 0, stagedBytes = 0, sharedBytes = 0;

private:
  void numberOps();
  void collectBuffers();
  llvm::SmallVector<Buffer> &regionOf(mlir::Value value);
  bool isOwn(mlir::Value value) const;
  int64_t lastUse(mlir::Value value);
  void extendLife(mlir::Value memref, Buffer &buffer,
                  const llvm::DenseMap<mlir::Operation *, int64_t> &places);
  void placeInWorkspace();
  int64_t fillSharedMemory(int64_t limit);
  int64_t separateBuffers(int64_t bytes);
  bool touchesBuffer(mlir::Operation &op, mlir::Value buffer);
  int64_t measureShared();
  void describeRegion(llvm::StringRef region, int64_t bytes, llvm::ArrayRef<Buffer> buffers,
                      llvm::raw_ostream &text);

  mlir::func::FuncOp function;
  mlir::Block &body;
  /// Barriers before an op where threads share the function, otherwise ops before it.
  llvm::DenseMap<mlir::Operation *, int64_t> position;
  llvm::DenseMap<mlir::Operation *, int64_t> order; ///< Ops before it.
};

} // namespace ai

#endif // AI_LIB_CODEGEN_FUNCTIONMEMORY_H
