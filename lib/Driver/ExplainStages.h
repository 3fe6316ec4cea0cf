// What a compilation does, written down while it is done.

#ifndef AI_LIB_DRIVER_EXPLAINSTAGES_H
#define AI_LIB_DRIVER_EXPLAINSTAGES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

namespace ai {

/// Text for JSON, which holds nothing but UTF-8.
llvm::json::Value jsonText(llvm::StringRef text);

/// Places of a model file, with what was made of them there: "d conv1.weight" of line 5 is another
/// place than line 5 itself. Place 0 is unknown. From the stage `llvm` on locations of operations
/// carry two numbers, of a place and of a nest; they outlive LLVM and end up in the assembly.
class PlaceTable {
public:
  struct Mark {
    int64_t place = 0, nest = 0;
  };

  int64_t numberOf(mlir::Location loc);
  Mark markOf(mlir::Operation *op);
  /// Puts the mark in the place of the operation's location, whose name stays.
  static void setMark(mlir::Operation *op, Mark mark);
  llvm::json::Array toJSON() const;

private:
  struct Place {
    std::string name;
    int64_t line, column;
  };
  llvm::StringMap<int64_t> numbers;
  std::vector<Place> places{{"", 0, 0}};
};

/// A stage or the assembly: text, and for each line what it belongs to.
struct MarkedText {
  std::string text;
  std::vector<PlaceTable::Mark> marks;

  static MarkedText print(mlir::ModuleOp module, PlaceTable &places);
  llvm::json::Value toJSON() const;
};

using OpCounts = llvm::MapVector<mlir::OperationName, int64_t>;
OpCounts countOps(mlir::Operation *op);
llvm::json::Object toJSON(const OpCounts &counts);

/// What each pass of a stage did. Passes over functions count together.
class PassRecorder : public mlir::PassInstrumentation {
public:
  void runBeforePass(mlir::Pass *pass, mlir::Operation *op) override;
  void runAfterPass(mlir::Pass *pass, mlir::Operation *op) override;
  llvm::json::Array toJSON() const;
  /// The pass that runs now; empty between two.
  llvm::StringRef current() const { return name; }
  void clear() { passes.clear(); }

private:
  struct Record {
    std::string name;
    double seconds = 0;
    int64_t before = 0, after = 0;
    OpCounts difference;
  };
  llvm::MapVector<mlir::Pass *, Record> passes;
  OpCounts counts;
  std::string name;
  std::chrono::steady_clock::time_point start;
};

} // namespace ai

#endif // AI_LIB_DRIVER_EXPLAINSTAGES_H
