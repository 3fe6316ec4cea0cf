// Convolutions, their gradients and products of matrices as calls of a library, where somebody
// asks for them: the op still says what it is, and its border is the library's affair.

#include "lib/Conversion/AIToLinalg/Patterns.h"
#include "lib/Conversion/AIToLinalg/Scalars.h"

#include "dialects/library/LibraryDialect.h"

using namespace mlir;
using namespace ai;

/// Whether a library can take the op: dense images and matrices, of which there are some.
static bool fits(Operation *op) {
  auto isPlain = [](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return !getLaneDim(tensor) && tensor.getNumElements() > 0;
  };
  return llvm::all_of(op->getOperandTypes(), isPlain) &&
         llvm::all_of(op->getResultTypes(), isPlain);
}

/// A call that writes a tensor of type `type`.
static library::CallOp call(ImplicitLocOpBuilder &b, library::Function function, Type type,
                            ValueRange inputs) {
  Value init = emptyTensor(b, cast<RankedTensorType>(type)).memory;
  return library::CallOp::create(b, init.getType(), function, inputs, init);
}

/// `x[r, c, ...] + bias[c]`
static Value addBias(ImplicitLocOpBuilder &b, const Tensor &x, Value bias) {
  Nest nest(b);
  Indices loops = nest.loops(x.rank());
  nest.in(x, loops);
  nest.in({bias, bias.getType()}, {loops[1]});
  nest.out(emptyTensor(b, x.type), loops);
  auto sum = [](ImplicitLocOpBuilder &b, ValueRange x) -> SmallVector<Value> {
    return {scalar::add(b, x[0], x[1])};
  };
  return nest.build(loops, sum).front();
}

namespace {

/// ai.conv2d -> a call + the bias; a gradient -> a call.
template <typename Op> struct CallConvolution final : OpConversionPattern<Op> {
  CallConvolution(const TypeConverter &types, MLIRContext *context, library::Function function)
      : OpConversionPattern<Op>(types, context, /*benefit=*/10), function(function) {}

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    auto type = cast<RankedTensorType>(op.getType());
    if (!fits(op) || type.getRank() != 4) // a gradient of each sample has five dimensions
      return rewriter.notifyMatchFailure(op, "is none that a library computes");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto made = call(b, function, type, operands.getOperands().take_front(2));
    made.setStride(op.getStride());
    made.setPadding(op.getPadding());
    made.setDilation(op.getDilation());
    Value result = made.getResult();
    if (operands.getOperands().size() > 2)
      result = addBias(b, {result, type}, operands.getOperands()[2]);
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  library::Function function;
};

/// ai.matmul -> a call.
struct CallMatMul final : OpConversionPattern<MatMulOp> {
  CallMatMul(const TypeConverter &types, MLIRContext *context)
      : OpConversionPattern(types, context, /*benefit=*/10) {}

  LogicalResult matchAndRewrite(MatMulOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    if (!fits(op))
      return rewriter.notifyMatchFailure(op, "is none that a library computes");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto made = call(b, library::Function::matmul, op.getType(), operands.getOperands());
    made.setTransposeLhs(op.getTransposeLhs());
    made.setTransposeRhs(op.getTransposeRhs());
    rewriter.replaceOp(op, made.getResult());
    return success();
  }
};

/// The call for a fully connected layer and, in f32, its bias.
Value callLinear(ImplicitLocOpBuilder &b, LinearOp op, Value input, Value weight, Value bias,
                 bool relu) {
  bool isInEpilogue = bias && op.getType().getElementType().isF32();
  SmallVector<Value> inputs{input, weight};
  if (isInEpilogue)
    inputs.push_back(bias);
  auto made = call(b, library::Function::matmul, op.getType(), inputs);
  made.setTransposeRhs(true);
  made.setRelu(relu);
  if (!bias || isInEpilogue)
    return made.getResult();
  return addBias(b, {made.getResult(), op.getType()}, bias);
}

/// ai.linear -> a call with the bias.
struct CallLinear final : OpConversionPattern<LinearOp> {
  CallLinear(const TypeConverter &types, MLIRContext *context)
      : OpConversionPattern(types, context, /*benefit=*/10) {}

  LogicalResult matchAndRewrite(LinearOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    if (!fits(op))
      return rewriter.notifyMatchFailure(op, "is none that a library computes");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, callLinear(b, op, operands.getInput(), operands.getWeight(),
                                      operands.getBias(), /*relu=*/false));
    return success();
  }
};

/// ai.relu of a linear layer that nobody else reads -> that layer's call with it; the layer's own
/// call is dead.
struct CallLinearWithReLU final : OpConversionPattern<ReLUOp> {
  CallLinearWithReLU(const TypeConverter &types, MLIRContext *context)
      : OpConversionPattern(types, context, /*benefit=*/10) {}

  LogicalResult matchAndRewrite(ReLUOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const final {
    auto layer = op->getOperand(0).getDefiningOp<LinearOp>();
    if (!layer || !layer->hasOneUse() || !fits(layer) || layer.getType() != op.getType() ||
        !layer.getType().getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "is no end of a product in f32");
    ImplicitLocOpBuilder b(layer.getLoc(), rewriter);
    auto remapped = [&](Value value) { return value ? rewriter.getRemappedValue(value) : value; };
    rewriter.replaceOp(op, callLinear(b, layer, remapped(layer.getInput()),
                                      remapped(layer.getWeight()), remapped(layer.getBias()),
                                      /*relu=*/true));
    return success();
  }
};

} // namespace

void ai::populateLibraryLowerings(const TypeConverter &types, RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<CallConvolution<Conv2DOp>>(types, context, library::Function::conv2d);
  patterns.add<CallConvolution<Conv2DInputGradientOp>>(types, context,
                                                       library::Function::conv2d_input_gradient);
  patterns.add<CallConvolution<Conv2DWeightGradientOp>>(types, context,
                                                        library::Function::conv2d_weight_gradient);
  patterns.add<CallMatMul, CallLinear, CallLinearWithReLU>(types, context);
}
