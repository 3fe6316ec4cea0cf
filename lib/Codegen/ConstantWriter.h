// Tables of numbers, texts and addresses as constants of a module, in the LLVM dialect.

#ifndef AI_LIB_CODEGEN_CONSTANTWRITER_H
#define AI_LIB_CODEGEN_CONSTANTWRITER_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace ai {

/// One field of a record: a number, the address of a symbol, or null.
struct Field {
  enum Kind { Integer, Real, Address } kind;
  int64_t integer = 0;
  double real = 0;
  std::string symbol; // empty: null

  Field(int64_t value) : kind(Integer), integer(value) {}
  Field(double value) : kind(Real), real(value) {}
  Field(std::string name) : kind(Address), symbol(std::move(name)) {}
};
using Record = llvm::SmallVector<Field>;

/// Appends constants to a module; returns the names of their symbols.
class ConstantWriter {
public:
  ConstantWriter(mlir::ModuleOp module);

  std::string text(llvm::StringRef value);

  /// Records of one shape, one after the other; the name of the symbol, empty when there are none.
  /// With a name of their own other objects of the program see them.
  std::string records(llvm::ArrayRef<Record> rows, llvm::StringRef shared = "");

  std::string integers(llvm::ArrayRef<int64_t> values);

  /// Bytes that are defined later.
  std::string declare(llvm::StringRef name);

private:
  std::string fresh(llvm::StringRef kind);
  mlir::Type typeOf(const Field &field);
  mlir::Value value(mlir::OpBuilder &inside, const Field &field);

  mlir::ModuleOp module;
  mlir::OpBuilder b;
  mlir::Type pointer;
  unsigned count = 0;
};

} // namespace ai

#endif // AI_LIB_CODEGEN_CONSTANTWRITER_H
