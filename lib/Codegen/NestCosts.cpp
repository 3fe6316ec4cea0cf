// Counts operations and memory of loop nests. Memory is counted by place, not by memref: the same
// buffer may be seen through several views.

#include "NestCosts.h"
#include "AffineAccess.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace ai;

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// The names of a location, innermost call first: `loc("a" fused["b", "c"])` has three.
static void collectNames(Location loc, SmallVectorImpl<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    if (!llvm::is_contained(names, name.getName().getValue()))
      names.push_back(name.getName());
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      collectNames(part, names);
  }
}

/// The iterations of a loop that ai-partition-combine has shared out.
static std::optional<int64_t> sharedTrips(Operation *loop) {
  auto trips = loop->getAttrOfType<IntegerAttr>("ai.trips");
  return trips ? std::optional(trips.getInt()) : std::nullopt;
}

/// How often `op` runs in one run of the function, by all threads together; 0 if that is not known.
static double timesOf(Operation *op) {
  double times = 1;
  for (Operation *up = op->getParentOp(); !isa<func::FuncOp>(up); up = up->getParentOp()) {
    if (isa<scf::IfOp>(up)) // taken at most
      continue;
    auto loop = dyn_cast<affine::AffineForOp>(up);
    std::optional<int64_t> trips = loop ? tripCount(loop) : std::nullopt;
    times *= double(trips ? *trips : sharedTrips(up).value_or(0));
  }
  return times;
}

/// Elements of a vector that are there: what a masked read begins ends with a masked write.
static int64_t elementsOf(Value value, DenseMap<Value, int64_t> &known) {
  auto vector = dyn_cast<VectorType>(value.getType());
  if (!vector)
    return std::numeric_limits<int64_t>::max();
  auto [entry, isNew] = known.insert({value, vector.getNumElements()});
  Operation *op = value.getDefiningOp();
  if (!isNew || !op)
    return entry->second;
  int64_t elements = vector.getNumElements();
  if (std::optional<Access> access = getAccess(op)) {
    elements = access->width(access->indices.size() - 1);
  } else if (auto loop = dyn_cast<affine::AffineForOp>(op)) {
    unsigned number = cast<OpResult>(value).getResultNumber();
    elements = elementsOf(loop.getYieldedValues()[number], known);
  } else {
    for (Value operand : op->getOperands())
      elements = std::min(elements, elementsOf(operand, known));
  }
  return known[value] = elements;
}

static double countFlops(Operation *nest) {
  double flops = 0;
  DenseMap<Value, int64_t> known;
  nest->walk([&](Operation *op) {
    bool isFma = isa<math::FmaOp>(op);
    if (!isFma && !isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op))
      return;
    double count = isFma ? 2 : 1;
    if (isa<VectorType>(op->getResult(0).getType()))
      count *= double(elementsOf(op->getResult(0), known));
    flops += count * timesOf(op);
  });
  return flops;
}

/// The names of what a nest writes or sums up in registers, or the lines of the model file that the
/// writes come from; of all that it does if they have none.
static std::string nameOf(Operation *nest) {
  for (bool onlyWrites : {true, false}) {
    SmallVector<StringRef> names;
    SmallVector<std::string> lines;
    nest->walk([&](Operation *op) {
      auto access = getAccess(op);
      if (auto sum = dyn_cast<affine::AffineForOp>(op); sum && sum.getNumIterOperands())
        collectNames(op->getLoc(), names);
      if (onlyWrites && !(access && access->isWrite))
        return;
      collectNames(op->getLoc(), names);
      if (auto line = op->getLoc()->findInstanceOf<FileLineColLoc>()) {
        std::string text = "line " + std::to_string(line.getLine());
        if (!llvm::is_contained(lines, text))
          lines.push_back(text);
      }
    });
    if (!names.empty() || !lines.empty())
      return names.empty() ? llvm::join(lines, "+") : llvm::join(names, "+");
  }
  return "unnamed";
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// An allocation or argument, and the byte of it where a view begins.
using Place = std::pair<Value, int64_t>;

static Place placeOf(Value memref) {
  int64_t begin = 0;
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>()) {
    IntegerAttr shift;
    if (auto bytes = dyn_cast<memref::ViewOp>(view.getOperation())) {
      if (!matchPattern(bytes.getByteShift(), m_Constant(&shift)))
        break;
      begin += shift.getInt();
    } else if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(view)) {
      break;
    }
    memref = view.getViewSource();
  }
  return {memref, begin};
}

namespace {
/// What some accesses touch, as one box for each memref.
class Footprint {
public:
  void add(const Access &access) {
    auto type = cast<MemRefType>(access.memref.getType());
    SmallVector<Interval> &box = boxes[placeOf(access.memref)][access.memref];
    bool isFirst = box.empty();
    box.resize(type.getRank(), {0, 0});
    for (auto [dim, extent] : llvm::enumerate(type.getShape())) {
      std::optional<Interval> range =
          access.isKnown() ? rangeOf(access.indices[dim]) : std::nullopt;
      // Beyond a buffer nobody reads; what a shared loop touches is all of its dimension.
      int64_t low = range ? std::max<int64_t>(range->low, 0) : 0;
      int64_t high = range ? std::min(range->high + access.width(dim), extent) : extent;
      box[dim] = isFirst ? Interval{low, high}
                         : Interval{std::min(box[dim].low, low), std::max(box[dim].high, high)};
    }
  }

  /// Of the views of one place the largest counts.
  double bytes() const {
    double sum = 0;
    for (const auto &[place, views] : boxes) {
      double most = 0;
      for (const auto &[memref, box] : views) {
        double size = llvm::divideCeil(
            cast<MemRefType>(memref.getType()).getElementType().getIntOrFloatBitWidth(), 8);
        for (Interval range : box)
          size *= double(std::max<int64_t>(range.high - range.low, 0));
        most = std::max(most, size);
      }
      sum += most;
    }
    return sum;
  }

private:
  llvm::MapVector<Place, llvm::MapVector<Value, SmallVector<Interval>>> boxes;
};
} // namespace

/// Whether threads share the nest out: by a loop of it, or one of them runs all.
static bool isSharedOut(Operation *nest) {
  return isa<scf::IfOp>(nest) || nest->walk([](Operation *op) {
                                       return sharedTrips(op) ? WalkResult::interrupt()
                                                              : WalkResult::advance();
                                     })
                                     .wasInterrupted();
}

//===----------------------------------------------------------------------===//
// Nests
//===----------------------------------------------------------------------===//

DictionaryAttr NestCost::getAttr(Builder &b) const {
  auto number = [&](StringRef name, double value) {
    return b.getNamedAttr(name, b.getF64FloatAttr(value));
  };
  return b.getDictionaryAttr(
      {b.getNamedAttr("name", b.getStringAttr(name)), number("flops", flops),
       number("bytes_read", bytesRead), number("bytes_written", bytesWritten),
       number("working_set", workingSet), b.getNamedAttr("shared", b.getBoolAttr(isShared))});
}

SmallVector<Operation *> ai::getNests(func::FuncOp step) {
  SmallVector<Operation *> nests;
  for (Operation &op : step.getBody().front())
    if (op.getNumRegions())
      nests.push_back(&op);
  return nests;
}

/// The bytes that all iterations of loops around a write touch.
static double bytesOfWrite(const Access &write) {
  double bytes = double(getElementTypeOrSelf(write.type).getIntOrFloatBitWidth()) / 8;
  if (isa<VectorType>(write.type))
    bytes *= double(write.width(write.indices.size() - 1));
  for (affine::AffineForOp loop : loopsAround(write.op))
    if (write.uses(loop.getInductionVar()))
      bytes *= double(tripCount(loop).value_or(std::numeric_limits<int32_t>::max()));
  return bytes;
}

llvm::MapVector<Value, double> ai::getWrittenBytes(Operation *nest) {
  llvm::MapVector<Value, Footprint> boxes;
  llvm::MapVector<Value, Accesses> writes;
  nest->walk([&](Operation *op) {
    std::optional<Access> access = getAccess(op);
    if (!access || !access->isWrite)
      return;
    Value buffer = placeOf(access->memref).first;
    boxes[buffer].add(*access);
    Accesses &others = writes[buffer];
    if (llvm::none_of(others, [&](const Access &other) { return isSamePlace(other, *access); }))
      others.push_back(*access);
  });
  llvm::MapVector<Value, double> bytes;
  for (const auto &[buffer, accesses] : writes) {
    double sum = 0;
    for (const Access &access : accesses)
      sum += bytesOfWrite(access);
    bytes[buffer] = std::min(sum, boxes[buffer].bytes()); // a box has gaps: sides of a border
  }
  return bytes;
}

NestCost ai::getCost(Operation *nest) {
  Accesses accesses;
  bool isKnown = collectAccesses(nest, accesses);
  Footprint read, written, all;
  for (const Access &access : accesses) {
    (access.isWrite ? written : read).add(access);
    all.add(access);
  }
  NestCost cost{nameOf(nest), countFlops(nest)};
  if (isKnown) {
    cost.bytesRead = read.bytes();
    cost.bytesWritten = written.bytes();
    cost.workingSet = all.bytes();
  }
  auto f = nest->getParentOfType<func::FuncOp>();
  cost.isShared = !isBlock(f) && isSharedOut(nest);
  return cost;
}
