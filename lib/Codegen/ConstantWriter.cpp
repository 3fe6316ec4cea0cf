#include "lib/Codegen/ConstantWriter.h"

using namespace mlir;
using namespace ai;

ConstantWriter::ConstantWriter(ModuleOp module) : module(module), b(module.getBodyRegion()) {
  b.setInsertionPointToEnd(module.getBody());
  pointer = LLVM::LLVMPointerType::get(b.getContext());
}

std::string ConstantWriter::text(StringRef value) {
  std::string bytes = value.str() + '\0';
  std::string name = fresh("text");
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
  LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/true, LLVM::Linkage::Internal,
                         name, b.getStringAttr(bytes));
  return name;
}

std::string ConstantWriter::records(ArrayRef<Record> rows, StringRef shared) {
  if (rows.empty())
    return "";
  SmallVector<Type> fields;
  for (const Field &field : rows.front())
    fields.push_back(typeOf(field));
  auto row = LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
  auto type = LLVM::LLVMArrayType::get(row, rows.size());
  std::string name = shared.empty() ? fresh("table") : shared.str();
  auto global = LLVM::GlobalOp::create(
      b, module.getLoc(), type, /*isConstant=*/true,
      shared.empty() ? LLVM::Linkage::Internal : LLVM::Linkage::External, name, Attribute(),
      /*alignment=*/8);
  if (!shared.empty())
    global.setVisibility_(LLVM::Visibility::Hidden);
  OpBuilder inside(b.getContext());
  inside.createBlock(&global.getInitializerRegion());
  Value table = LLVM::UndefOp::create(inside, module.getLoc(), type);
  for (auto [r, record] : llvm::enumerate(rows))
    for (auto [f, field] : llvm::enumerate(record))
      table = LLVM::InsertValueOp::create(inside, module.getLoc(), table, value(inside, field),
                                          ArrayRef<int64_t>{int64_t(r), int64_t(f)});
  LLVM::ReturnOp::create(inside, module.getLoc(), table);
  return name;
}

std::string ConstantWriter::integers(ArrayRef<int64_t> values) {
  SmallVector<Record> rows;
  for (int64_t v : values)
    rows.push_back({Field(v)});
  return records(rows);
}

std::string ConstantWriter::declare(StringRef name) {
  LLVM::GlobalOp::create(b, module.getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                         /*isConstant=*/true, LLVM::Linkage::External, name, Attribute());
  return name.str();
}

std::string ConstantWriter::fresh(StringRef kind) {
  return ("ai." + kind + "." + Twine(count++)).str();
}

Type ConstantWriter::typeOf(const Field &field) {
  if (field.kind == Field::Address)
    return pointer;
  return field.kind == Field::Integer ? Type(b.getI64Type()) : Type(b.getF64Type());
}

Value ConstantWriter::value(OpBuilder &inside, const Field &field) {
  Location loc = module.getLoc();
  if (field.kind == Field::Integer)
    return LLVM::ConstantOp::create(inside, loc, b.getI64Type(),
                                    b.getI64IntegerAttr(field.integer));
  if (field.kind == Field::Real)
    return LLVM::ConstantOp::create(inside, loc, b.getF64Type(), b.getF64FloatAttr(field.real));
  if (field.symbol.empty())
    return LLVM::ZeroOp::create(inside, loc, pointer);
  return LLVM::AddressOfOp::create(inside, loc, pointer, field.symbol);
}
