// The loop nests of a module at the end of stage `loops`, and the memory that they use.

#ifndef AI_LIB_DRIVER_EXPLAINNESTS_H
#define AI_LIB_DRIVER_EXPLAINNESTS_H

#include "lib/Driver/ExplainStages.h"
#include "lib/Runtime/Machine.h"

namespace ai {

/// What a nest took in a training step, measured.
struct MeasuredNest {
  double calls = 0, seconds = 0; ///< Of a step, on one thread.
  double least = 0;              ///< Seconds of the shortest call.
};

/// Numbers the nests of all steps, from 1, and puts marks on all operations of the module.
class NestTable {
public:
  NestTable(mlir::ModuleOp module, PlaceTable &places);

  /// After the construction: text of the stage in which lines know their nest.
  void mark();
  /// What `ai-describe-nests` counted, and, if there are any, the times of `machine`.
  llvm::json::Array toJSON(const rt::Machine *machine, llvm::ArrayRef<MeasuredNest> measured);
  /// The regions of memory, and of each function's workspace which nests use which bytes.
  llvm::json::Object memoryToJSON();

private:
  struct Nest {
    mlir::Operation *op;
    mlir::DictionaryAttr cost;
    int64_t calls;
  };
  llvm::json::Array sharesOf(mlir::Operation *nest);
  llvm::json::Array livesIn(mlir::Operation *function);
  int64_t countCalls(mlir::Operation *function);

  mlir::ModuleOp module;
  PlaceTable &places;
  std::vector<Nest> nests;
  llvm::DenseMap<mlir::Operation *, int64_t> numbers;
};

} // namespace ai

#endif // AI_LIB_DRIVER_EXPLAINNESTS_H
