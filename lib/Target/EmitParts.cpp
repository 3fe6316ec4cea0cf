// One module -> several objects, each by a thread of its own. LLVM's passes and code generator take
// most of the time of a compilation, and functions of steps know nothing of one another. Upstream's
// splitCodeGen takes modules that are optimised already, and shares functions out by hashes of
// their names; here optimisation is shared, too, and by the sizes of functions.

#include "lib/Target/Machine.h"
#include "mlir/IR/Threading.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;
using namespace ai;

/// Makes what no other module sees something that the module's own parts see.
static void hideLocals(llvm::Module &code, StringRef suffix) {
  for (llvm::GlobalValue &value : code.global_values())
    if (value.hasLocalLinkage()) {
      value.setName(value.getName() + "." + suffix);
      value.setLinkage(llvm::GlobalValue::ExternalLinkage);
      value.setVisibility(llvm::GlobalValue::HiddenVisibility);
    }
}

/// Gives every function that the module defines to the part with the fewest instructions so far,
/// the largest first. All data are the first part's, which is zero in the map.
static DenseMap<const llvm::GlobalValue *, unsigned> shareOut(llvm::Module &code) {
  struct Sized {
    unsigned size, order;
    llvm::Function *function;
  };
  SmallVector<Sized> functions;
  for (llvm::Function &function : code)
    if (!function.isDeclaration())
      functions.push_back({function.getInstructionCount(), unsigned(functions.size()), &function});
  llvm::sort(functions, [](const Sized &a, const Sized &b) {
    return std::make_pair(b.size, a.order) < std::make_pair(a.size, b.order);
  });
  std::array<unsigned, kNumParts> sizes = {};
  DenseMap<const llvm::GlobalValue *, unsigned> parts;
  for (auto [size, order, function] : functions) {
    auto *least = llvm::min_element(sizes);
    *least += size;
    parts[function] = least - sizes.begin();
  }
  return parts;
}

LogicalResult ai::emitParts(ModuleOp module, const TargetOptions &options, StringRef suffix,
                            ObjectParts &parts) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translate(module, options, context);
  if (!code)
    return failure();
  hideLocals(*code, suffix);
  DenseMap<const llvm::GlobalValue *, unsigned> owners = shareOut(*code);
  std::array<llvm::SmallVector<char, 0>, kNumParts> bitcodes; // a context belongs to one thread
  for (unsigned part = 0; part < kNumParts; ++part) {
    llvm::ValueToValueMapTy values;
    std::unique_ptr<llvm::Module> own =
        llvm::CloneModule(*code, values, [&](const llvm::GlobalValue *value) {
          return owners.lookup(value) == part;
        });
    llvm::raw_svector_ostream os(bitcodes[part]);
    llvm::WriteBitcodeToFile(*own, os);
  }
  std::array<bool, kNumParts> isMade;
  parallelFor(module.getContext(), 0, kNumParts, [&](size_t part) {
    llvm::LLVMContext own;
    llvm::StringRef bytes(bitcodes[part].data(), bitcodes[part].size());
    auto partCode = llvm::cantFail(llvm::parseBitcodeFile({bytes, "part"}, own));
    llvm::raw_svector_ostream os(parts[part]);
    isMade[part] = writeMachineCode(*partCode, options, llvm::CodeGenFileType::ObjectFile, os);
  });
  if (!llvm::all_of(isMade, [](bool made) { return made; }))
    return module.emitError("cannot make machine code for ") << options.processor.triple;
  return success();
}
