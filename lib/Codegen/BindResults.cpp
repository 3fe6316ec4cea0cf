// Turns functions on tensors into functions on buffers that the caller owns: every tensor argument
// becomes a memref, every result is written into a memref argument. A result whose name and role
// equal an argument's (a parameter, an optimizer state, a slot) is written in place. Upstream's
// bufferize-function-boundaries has no notion of a result that goes into a given argument, and
// drop-equivalent-buffer-results keeps the results of public functions.

#include "ai/Codegen/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace ai {
#define GEN_PASS_DEF_AIBINDRESULTSPASS
#include "ai/Codegen/Passes.h.inc"
} // namespace ai

/// Gives every user an initial value of its own. Common subexpressions made one of them all, and
/// then eliminate-empty-tensors would put two results into the buffer of one.
static void separateInitialValues(func::FuncOp f) {
  auto separate = [&](Operation *op) {
    OpBuilder b(op);
    for (OpOperand &use : llvm::make_early_inc_range(llvm::drop_begin(op->getUses())))
      use.set(b.clone(*op)->getResult(0));
  };
  // What an op writes over without reading it counts as lost, although it may write only a part of
  // it (a border around images). The last op first: what is cloned for it has been made by others.
  SmallVector<linalg::GenericOp> generics;
  f.walk([&](linalg::GenericOp op) { generics.push_back(op); });
  for (linalg::GenericOp op : llvm::reverse(generics))
    for (OpOperand &init : op.getDpsInitsMutable()) {
      auto made = init.get().getDefiningOp<linalg::GenericOp>();
      if (!made || init.get().hasOneUse() || op.payloadUsesValueFromOperand(&init))
        continue;
      unsigned number = cast<OpResult>(init.get()).getResultNumber();
      init.set(OpBuilder(made).clone(*made)->getResult(number));
    }
  // Then fills, and last of all empty tensors: each copy of those above takes one of its own.
  f.walk([&](linalg::FillOp fill) {
    if (fill.getNumResults() == 1)
      separate(fill);
  });
  f.walk([&](tensor::EmptyOp empty) { separate(empty); });
}

static MemRefType bufferTypeOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

static bool isStaticTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && !tensor.getEncoding();
}

/// Tensors of the caller may only be read, unless a result is bound to them.
static bufferization::ToTensorOp readArgument(OpBuilder &b, BlockArgument argument,
                                              Type tensorType) {
  argument.setType(bufferTypeOf(tensorType));
  auto read = bufferization::ToTensorOp::create(b, argument.getLoc(), tensorType, argument,
                                                /*restrict=*/true, /*writable=*/false);
  argument.replaceAllUsesExcept(read, read);
  return read;
}

static std::optional<unsigned> findArgument(func::FuncOp f, Attribute role, Attribute name) {
  for (unsigned i = 0; i < f.getNumArguments(); ++i)
    if (name && f.getArgAttr(i, "ai.role") == role && f.getArgAttr(i, "ai.name") == name)
      return i;
  return std::nullopt;
}

static LogicalResult checkSignature(func::FuncOp f) {
  for (Type type : f.getArgumentTypes())
    if (!isStaticTensor(type))
      return f.emitOpError("expects arguments that are tensors of static shape, got ")
             << type << "; give every dimension a size";
  for (Type type : f.getResultTypes())
    if (!isStaticTensor(type))
      return f.emitOpError("expects results that are tensors of static shape, got ")
             << type << "; give every dimension a size";
  return success();
}

static LogicalResult bindResults(func::FuncOp f) {
  if (failed(checkSignature(f)))
    return failure();
  separateInitialValues(f);
  Block &body = f.getBody().front();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  for (unsigned i = 0; i < f.getNumArguments(); ++i) {
    readArgument(b, f.getArgument(i), f.getArgument(i).getType());
    if (!f.getArgAttr(i, "ai.role"))
      f.setArgAttr(i, "ai.role", b.getStringAttr("argument"));
    f.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
  }

  auto returnOp = cast<func::ReturnOp>(body.getTerminator());
  SmallVector<Attribute> roles, names;
  for (unsigned i = 0; i < f.getNumResults(); ++i) {
    Attribute role = f.getResultAttr(i, "ai.role");
    roles.push_back(role ? role : b.getStringAttr("result"));
    names.push_back(f.getResultAttr(i, "ai.name"));
  }
  SmallVector<Type> argumentTypes(body.getArgumentTypes());
  SmallVector<Value> results(returnOp.getOperands());
  f.setType(b.getFunctionType(argumentTypes, {}));
  f.removeResAttrsAttr();
  b.setInsertionPoint(returnOp);
  for (auto [result, role, name] : llvm::zip(results, roles, names)) {
    std::optional<unsigned> index = findArgument(f, role, name);
    if (!index) {
      index = f.getNumArguments();
      SmallVector<NamedAttribute> attributes{b.getNamedAttr("ai.role", role),
                                             b.getNamedAttr("llvm.noalias", b.getUnitAttr())};
      if (name)
        attributes.push_back(b.getNamedAttr("ai.name", name));
      if (failed(f.insertArgument(*index, bufferTypeOf(result.getType()),
                                  b.getDictionaryAttr(attributes), result.getLoc())))
        return failure();
    }
    BlockArgument destination = f.getArgument(*index);
    auto read = result.getDefiningOp<bufferization::ToTensorOp>();
    if (read && read.getBuffer() == destination)
      continue; // unchanged
    for (Operation *user : destination.getUsers())
      if (auto own = dyn_cast<bufferization::ToTensorOp>(user))
        own.setWritable(true);
    bufferization::MaterializeInDestinationOp::create(b, result.getLoc(), /*result=*/Type(), result,
                                                      destination, /*restrict=*/true,
                                                      /*writable=*/true);
  }
  returnOp->setOperands({});
  return success();
}

namespace {
struct BindResultsPass : ai::impl::AIBindResultsPassBase<BindResultsPass> {
  void runOnOperation() final {
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (!f.isDeclaration() && failed(bindResults(f)))
        return signalPassFailure();
  }
};
} // namespace
