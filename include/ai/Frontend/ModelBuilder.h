// Models written by a program, not read from a file.
//
//   ModelBuilder model(context, "net", {1, 28, 28});
//   Value x = Conv2d(6, 5).apply(model, model.getInput());
//   x = model.create("ai.relu", x);
//   ...
//   Expected<OwningOpRef<ModuleOp>> module = model.finish(x, recipe);

#ifndef AI_FRONTEND_MODELBUILDER_H
#define AI_FRONTEND_MODELBUILDER_H

#include "ai/Frontend/Diagnostics.h"
#include "ai/Frontend/Recipe.h"
#include "dialects/ai/AIDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include <memory>

namespace ai {

/// Numbers, row by row, that live as long as this.
using Floats = std::shared_ptr<const float>;

/// Writes one `ai.model`, op by op, in program order. The types of results are inferred at once.
///
/// A method that fails returns null, and so does every method after it: ask for the error once, at
/// the end. Errors are located where `at` said.
class ModelBuilder {
public:
  /// Begins a model of samples of f32 of this shape, such as {1, 28, 28}. `name` may hold anything;
  /// what a symbol cannot hold becomes `_`.
  ModelBuilder(mlir::MLIRContext &context, llvm::StringRef name,
               llvm::ArrayRef<int64_t> sampleShape);

  /// The batch: `[?]` and the sample's shape; null if the shape is refused.
  mlir::Value getInput() { return input; }

  /// What is written from now on comes from there.
  void at(const Place &place);
  mlir::Location getLoc() { return loc; }

  /// An op of the dialect with one result. `element` is that of the result, by default that of the
  /// first operand; `name` is what the printed IR calls it.
  mlir::Value create(llvm::StringRef op, mlir::ValueRange operands,
                     llvm::ArrayRef<mlir::NamedAttribute> attributes = {}, mlir::Type element = {},
                     llvm::StringRef name = "");

  /// `ai.parameter`; `init` null is the default of its rank. `values`, if there are any, are what a
  /// network gives it at first instead.
  mlir::Value parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                        mlir::Attribute init = {}, Floats values = {});
  const llvm::StringMap<Floats> &getFirstValues() const { return firstValues; }

  /// A scalar, of the element type that it meets.
  mlir::Value constant(double value);
  /// A tensor of f32.
  mlir::Value constant(llvm::ArrayRef<int64_t> shape, const float *values);

  /// What the parameters of `owner`, a layer, are named after: `wished`, or, if that is empty,
  /// `kind` and a number. The same at every use of a layer, and another one for every other layer:
  /// empty, with an error, if `wished` is taken.
  std::string nameOf(uint64_t owner, llvm::StringRef kind, llvm::StringRef wished);

  /// Keeps a parameter's name for `owner`; false, with an error, if it begins with what another
  /// owner's are named after.
  bool reserve(uint64_t owner, llvm::StringRef parameter);

  /// Fails with this error. Returns null, so that callers can return it.
  mlir::Value fail(const llvm::Twine &message);

  /// Ends the model with its output and adds its recipe; or says what went wrong.
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> finish(mlir::Value output,
                                                           const Recipe &recipe);
  /// What went wrong; only after a method has returned null.
  llvm::Error takeError() { return diagnostics.takeError("the model has no output"); }

  mlir::OpBuilder &builder() { return b; }

private:
  mlir::Location named(llvm::StringRef name);

  DiagnosticCollector diagnostics;
  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelOp model;
  mlir::Value input;
  llvm::DenseMap<uint64_t, std::string> names;
  llvm::StringMap<unsigned> numbers;
  llvm::StringMap<uint64_t> taken; ///< by whom
  llvm::StringMap<Floats> firstValues;
};

} // namespace ai

#endif // AI_FRONTEND_MODELBUILDER_H
