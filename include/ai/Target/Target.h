// LLVM dialect -> LLVM IR, assembly, object file, for one processor.

#ifndef AI_TARGET_TARGET_H
#define AI_TARGET_TARGET_H

#include "mlir/IR/BuiltinOps.h"

#include <array>

namespace ai {

/// Starts an error; a caller without a source location gives an unknown one.
using ErrorEmitter = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// A set of instructions that a processor has or has not.
struct Feature {
  std::string name;
  /// Where libgcc and compiler-rt, which ask the machine, keep it in their table.
  int64_t bit;
};

/// A processor, and what code generation wants to know about it.
struct Processor {
  std::string triple;
  std::string name;
  std::string features;
  std::string dataLayout;
  bool isNative;
  /// What code for it may use, of the features that a program can ask its machine for: none but on
  /// x86.
  std::vector<Feature> needs;
  /// Length and number of its vector registers.
  int64_t vectorBits;
  int64_t vectorRegisters;
  /// Whether it loads and stores a part of one as fast as the whole.
  bool hasMasks;
  /// Bytes of a core's first and second cache. LLVM has no table of them: those of this machine if
  /// it is `native` and tells, 32 KiB and 1 MiB otherwise.
  int64_t l1 = 32 << 10, l2 = 1 << 20;
};

/// Whether programs are made for the architecture that `triple` begins with.
bool isKnownTriple(llvm::StringRef triple);

/// Finds a processor by LLVM's name for it, of the architecture of `triple`, or of this machine's
/// if that is empty. `native` is the one we run on, and what no name means without a triple; with
/// one it means the least of the architecture.
mlir::FailureOr<Processor> findProcessor(llvm::StringRef triple, llvm::StringRef name,
                                         ErrorEmitter emitError);

/// Whether code for `a` is to be preferred on a machine that runs both: it has longer vectors, or
/// as long ones and more features.
bool doesMore(const Processor &a, const Processor &b);

/// How a module becomes machine code.
struct TargetOptions {
  Processor processor;
  /// 0 to 3, as for clang.
  unsigned optLevel = 3;
};

/// States the target triple and data layout on a module; without them LLVM knows no memset.
void setTarget(mlir::ModuleOp module, const Processor &processor);

/// Print or write a module of the LLVM dialect, optimised. Errors are emitted at its location.
/// Equal modules give equal bytes; a file appears whole or not at all.
mlir::LogicalResult emitLLVMIR(mlir::ModuleOp module, const TargetOptions &options,
                               llvm::raw_ostream &os);
mlir::LogicalResult emitAssembly(mlir::ModuleOp module, const TargetOptions &options,
                                 llvm::raw_ostream &os);
mlir::LogicalResult emitObject(mlir::ModuleOp module, const TargetOptions &options,
                               llvm::StringRef path);
mlir::LogicalResult emitObject(mlir::ModuleOp module, const TargetOptions &options,
                               llvm::raw_svector_ostream &os);

/// As many objects as threads make the code of one module on their own. It is the same code as that
/// of `emitObject`, whatever the machine.
inline constexpr unsigned kNumParts = 4;
using ObjectParts = std::array<llvm::SmallVector<char, 0>, kNumParts>;

/// The functions of a module, shared out among objects that belong into one program. What the
/// module keeps to itself is hidden, its names followed by `suffix`.
mlir::LogicalResult emitParts(mlir::ModuleOp module, const TargetOptions &options,
                              llvm::StringRef suffix, ObjectParts &parts);

} // namespace ai

#endif // AI_TARGET_TARGET_H
