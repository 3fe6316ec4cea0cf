// Lives of buffers, from which their places follow.

#include "lib/Codegen/FunctionMemory.h"

#include "lib/Codegen/AffineAccess.h"
#include "lib/Codegen/StepFunctions.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace ai;

int64_t ai::alignedBytesOf(Type type) {
  return llvm::alignTo(bytesOf(cast<MemRefType>(type)), kBufferAlignment);
}

bool ai::isIn(StringRef role, ArrayRef<StringRef> roles) { return llvm::is_contained(roles, role); }
bool ai::isScalar(StringRef role) {
  return isIn(role, {"first", "count", "step", "epoch", "seed"});
}
bool ai::isSample(StringRef role) { return isIn(role, {"input", "target"}); }
bool ai::isStaged(StringRef role) {
  return isSample(role) || isIn(role, {"output", "argument", "result"});
}

FunctionMemory::FunctionMemory(func::FuncOp f, int64_t sharedLimit)
    : isOnGPU(f->hasAttr("ai.threads")), isTeams(!isOnGPU && isBlock(f)), function(f),
      body(f.getBody().front()) {
  numberOps();
  collectBuffers();
  sharedBytes = fillSharedMemory(sharedLimit);
  stagedBytes = place(staged);
  placeInWorkspace();
}

int64_t FunctionMemory::offsetOf(Value argument) {
  ArrayRef<Buffer> region = regionOf(argument);
  return llvm::find_if(region, [&](const Buffer &o) { return o.value == argument; })->offset;
}

/// Between two barriers the threads that share a function are anywhere.
void FunctionMemory::numberOps() {
  bool isShared = isOnGPU || function->hasAttr("ai.team");
  int64_t next = 0;
  for (auto [i, op] : llvm::enumerate(body)) {
    next += isShared ? isa<gpu::BarrierOp>(op) : 1;
    position[&op] = next;
    order[&op] = int64_t(i);
  }
}

/// Bytes of the workspace that threads share are never their own: so the compiler of the code may
/// believe that the two are apart, also when one thread alone has both.
void FunctionMemory::placeInWorkspace() {
  int64_t common = place(workspace);
  workspaceBytes = common + place(own);
  for (Buffer &buffer : own)
    buffer.offset += common;
}

void FunctionMemory::describe(raw_ostream &text) {
  SmallVector<Buffer> all(workspace);
  llvm::append_range(all, own);
  describeRegion("workspace", workspaceBytes, all, text);
  if (isOnGPU) {
    describeRegion("staged region", stagedBytes, staged, text);
    describeRegion("shared memory", sharedBytes, shared, text);
  }
}

static void printType(raw_ostream &text, MemRefType type) {
  llvm::interleave(type.getShape(), text, "x");
  text << "x" << type.getElementType();
}

/// A line for a region of the function, and one for each of its buffers, by offset.
void FunctionMemory::describeRegion(StringRef region, int64_t bytes, ArrayRef<Buffer> buffers,
                                    raw_ostream &text) {
  int64_t sum = 0;
  for (const Buffer &buffer : buffers)
    sum += buffer.bytes;
  text << function.getName() << ": " << region << " of " << bytes << " bytes for " << buffers.size()
       << " buffers of " << sum << " bytes\n";
  SmallVector<const Buffer *> sorted;
  for (const Buffer &buffer : buffers)
    sorted.push_back(&buffer);
  llvm::sort(sorted, [](const Buffer *a, const Buffer *b) {
    return std::make_pair(a->offset, a->order) < std::make_pair(b->offset, b->order);
  });
  for (const Buffer *buffer : sorted) {
    text << llvm::format("%12lld %12lld  ", (long long)buffer->offset, (long long)buffer->bytes);
    if (auto argument = dyn_cast<BlockArgument>(buffer->value))
      text << argumentText(function, argument.getArgNumber(), "ai.name");
    else
      printType(text, cast<MemRefType>(buffer->value.getType()));
    text << "\n";
  }
}

void FunctionMemory::collectBuffers() {
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    StringRef role = argumentText(function, i, "ai.role");
    BlockArgument argument = function.getArgument(i);
    // The caller fills inputs before the call and reads outputs after it.
    // The samples of a GPU's block stay where the data set is.
    if ((isStaged(role) && !(isOnGPU && isSample(role))) || (isScalar(role) && !isOnGPU))
      regionOf(argument).push_back(
          {argument, alignedBytesOf(argument.getType()), -1,
           isIn(role, {"output", "result"}) ? INT64_MAX : lastUse(argument)});
  }
  function.walk([&](memref::AllocOp alloc) {
    Buffer buffer{alloc, alignedBytesOf(alloc.getType()), INT64_MAX, -1};
    extendLife(alloc, buffer, isOwn(alloc) ? order : position);
    if (buffer.last >= 0)
      regionOf(alloc).push_back(buffer);
  });
}

/// Where the place of an argument, or of a temporary, is planned at first.
SmallVector<Buffer> &FunctionMemory::regionOf(Value value) {
  if (isa<BlockArgument>(value) && isOnGPU)
    return staged;
  return isOwn(value) ? own : workspace;
}

/// Whether every thread of a team has one: what it does with it is in order.
bool FunctionMemory::isOwn(Value value) const {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isTeams && isScalar(argumentText(function, argument.getArgNumber(), "ai.role"));
  return isTeams && value.getDefiningOp()->hasAttr("ai.own");
}

/// Moves temporaries of a thread block from the workspace into shared memory, all but the largest
/// that do not fit; returns the bytes they take there. Of a grid, only what belongs to a thread
/// block lies there.
int64_t FunctionMemory::fillSharedMemory(int64_t sharedLimit) {
  bool isGrid = isForGrid(function);
  auto isForShared = [&](const Buffer &buffer) {
    auto type = cast<MemRefType>(buffer.value.getType());
    return isOnGPU && (!isGrid || gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(type));
  };
  llvm::copy_if(workspace, std::back_inserter(shared), isForShared);
  llvm::erase_if(workspace, isForShared);
  if (isGrid)
    return placeTightly(shared);
  int64_t needed = placeTightly(shared), bytes = needed;
  while (bytes > sharedLimit) {
    if (int64_t less = separateBuffers(bytes); less < bytes) {
      bytes = less;
      continue;
    }
    auto *found = llvm::max_element(
        shared, [](const Buffer &a, const Buffer &b) { return a.bytes < b.bytes; });
    Buffer largest = *found;
    shared.erase(found);
    workspace.push_back(largest);
    bytes = placeTightly(shared);
    largest.value.getDefiningOp()->emitRemark()
        << "kept in global memory: " << largest.bytes << " bytes of temporaries of "
        << function.getName() << ", which need " << needed << " bytes at once; shared memory has "
        << sharedLimit;
  }
  return bytes;
}

/// A wait costs less than global memory: lets threads wait before a buffer is first touched, or
/// behind its last use, so that others may have its bytes, if all take less than `bytes` then.
/// Returns what they take.
int64_t FunctionMemory::separateBuffers(int64_t bytes) {
  SmallVector<Operation *> places;
  for (const Buffer &buffer : shared) {
    Operation *first = nullptr, *behind = nullptr;
    for (Operation &op : body)
      if (touchesBuffer(op, buffer.value)) {
        first = first ? first : &op;
        behind = op.getNextNode();
      }
    places.append({first, behind});
  }
  for (Operation *op : places) {
    if (!op || op->getNumRegions() == 0 || isa<gpu::BarrierOp>(op->getPrevNode()))
      continue;
    OpBuilder at(op);
    auto barrier = gpu::BarrierOp::create(at, op->getLoc());
    if (int64_t less = measureShared(); less < bytes)
      return less;
    barrier.erase();
  }
  return measureShared();
}

/// Whether a loop touches the buffer or a view of it.
bool FunctionMemory::touchesBuffer(Operation &op, Value buffer) {
  return op.getNumRegions() > 0 && llvm::any_of(buffer.getUsers(), [&](Operation *user) {
           return isa<ViewLikeOpInterface>(user) ? touchesBuffer(op, user->getResult(0))
                                                 : op.isAncestor(user);
         });
}

/// The bytes of shared memory with the barriers that there are now.
int64_t FunctionMemory::measureShared() {
  numberOps();
  for (Buffer &buffer : shared) {
    buffer.first = INT64_MAX;
    buffer.last = -1;
    extendLife(buffer.value, buffer, position);
  }
  return placeTightly(shared);
}

int64_t FunctionMemory::lastUse(Value value) {
  Buffer life{value, 0, INT64_MAX, -1};
  extendLife(value, life, isOwn(value) ? order : position);
  return life.last;
}

/// A buffer lives from the first to the last op of the body that touches it or a view of it.
void FunctionMemory::extendLife(Value memref, Buffer &buffer,
                                const DenseMap<Operation *, int64_t> &places) {
  for (Operation *user : memref.getUsers()) {
    int64_t at = places.lookup(body.findAncestorOpInBlock(*user));
    if (isa<ViewLikeOpInterface>(user))
      extendLife(user->getResult(0), buffer, places);
    buffer.first = std::min(buffer.first, at);
    buffer.last = std::max(buffer.last, at);
  }
}
