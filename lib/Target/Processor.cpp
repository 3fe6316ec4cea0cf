#include "ai/Target/Target.h"
#include "lib/Target/Machine.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include <unistd.h>

using namespace mlir;
using namespace ai;

/// The architectures that programs are made for.
static void initializeTargets() {
  static bool initialized = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    return true;
  }();
  (void)initialized;
}

static std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  // A map of strings has no order that could be relied on.
  std::map<std::string, bool> sorted;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    sorted[feature.getKey().str()] = feature.getValue();
  for (const auto &[feature, enabled] : sorted)
    features.AddFeature(feature, enabled);
  return features.getString();
}

/// The features that a program asks its machine for: those that instructions are chosen by without
/// being asked for, as far as libgcc 12 knows them. It would call newer ones absent everywhere.
static void describeNeeds(Processor &processor, const llvm::MCSubtargetInfo &subtarget) {
  static constexpr int64_t kNumKnown = 99;
  static constexpr struct {
    StringRef name;
    int64_t priority, bit;
  } kFeatures[] = {
#define X86_FEATURE(ENUM, NAME)
#define X86_FEATURE_COMPAT(ENUM, NAME, PRIORITY, BIT) {NAME, PRIORITY, BIT},
#include "llvm/TargetParser/X86TargetParser.def"
  };
  auto isChosenBy = [](StringRef name, int64_t priority) {
    // LLVM gives a priority to vectors and most operations on bits.
    return priority > 0 ||
           llvm::is_contained({"lzcnt", "movbe", "f16c", "tbm", "avxvnni", "avx512fp16"}, name);
  };
  for (auto [name, priority, bit] : kFeatures)
    if (bit < kNumKnown && isChosenBy(name, priority) &&
        subtarget.checkFeatures(("+" + name).str()))
      processor.needs.push_back({name.str(), bit});
}

/// Fills in what follows from the processor's features.
static void describeVectors(Processor &processor, const llvm::MCSubtargetInfo &subtarget) {
  llvm::Triple triple(processor.triple);
  bool isX86 = triple.isX86();
  bool hasAVX512 = isX86 && subtarget.checkFeatures("+avx512f");
  bool hasAVX = isX86 && subtarget.checkFeatures("+avx");
  processor.vectorBits = hasAVX512 ? 512 : hasAVX ? 256 : 128;
  processor.vectorRegisters = isX86 && !hasAVX512 ? 16 : 32;
  processor.hasMasks = hasAVX512;
  // LLVM would halve the vectors of processors that once ran slower with long ones.
  if (hasAVX512)
    processor.features += processor.features.empty() ? "-prefer-256-bit" : ",-prefer-256-bit";
}

/// Asks the system for the caches of this machine; 0 or less is no answer.
static void describeCaches(Processor &processor) {
  if (long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE); l1 > 0)
    processor.l1 = l1;
  if (long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE); l2 > 0)
    processor.l2 = l2;
}

/// The tables that programs hold have eight bytes for a pointer, the lowest first.
bool ai::isKnownTriple(StringRef name) {
  llvm::Triple triple(llvm::Triple::normalize(name));
  return (triple.getArch() == llvm::Triple::x86_64 && !triple.isX32()) ||
         (triple.getArch() == llvm::Triple::aarch64 &&
          triple.getEnvironment() != llvm::Triple::GNUILP32);
}

FailureOr<Processor> ai::findProcessor(StringRef tripleName, StringRef name,
                                       ErrorEmitter emitError) {
  initializeTargets();
  Processor processor;
  processor.triple = tripleName.empty() ? llvm::sys::getDefaultTargetTriple()
                                        : llvm::Triple::normalize(tripleName);
  llvm::Triple triple(processor.triple);
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target || !isKnownTriple(processor.triple))
    return emitError() << "cannot make code for " << processor.triple << ": " << error;
  if (name.empty())
    name = tripleName.empty() ? "native" : "generic";
  processor.isNative = name == "native";
  if (processor.isNative &&
      triple.getArch() != llvm::Triple(llvm::sys::getDefaultTargetTriple()).getArch())
    return emitError() << "expects a processor of " << triple.getArchName()
                       << ", got 'native', which is the one of this machine";
  processor.name = processor.isNative ? llvm::sys::getHostCPUName().str() : name.str();
  if (processor.isNative) {
    processor.features = hostFeatures();
    describeCaches(processor);
  }
  std::unique_ptr<llvm::MCSubtargetInfo> any(target->createMCSubtargetInfo(triple, "", ""));
  if (!any->isCPUStringValid(processor.name))
    return emitError() << "expects a processor that LLVM knows, got '" << name
                       << "'; `llc-22 -mtriple=" << triple.getArchName()
                       << " -mcpu=help` lists them, 'native' is the one of this machine";
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, processor.name, processor.features));
  if (triple.isX86() && !subtarget->checkFeatures("+64bit"))
    return emitError() << "expects a processor of 64 bits, got '" << name
                       << "'; the least of them is 'x86-64'";
  describeVectors(processor, *subtarget);
  if (triple.isX86())
    describeNeeds(processor, *subtarget);
  processor.dataLayout = makeMachine(processor, 3)->createDataLayout().getStringRepresentation();
  return processor;
}

bool ai::doesMore(const Processor &a, const Processor &b) {
  return std::make_pair(a.vectorBits, a.needs.size()) >
         std::make_pair(b.vectorBits, b.needs.size());
}

std::unique_ptr<llvm::TargetMachine> ai::makeMachine(const Processor &processor,
                                                     unsigned optLevel) {
  llvm::Triple triple(processor.triple);
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  assert(target && "findProcessor has found it");
  llvm::TargetOptions options;
  options.FunctionSections = options.DataSections = true;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, processor.name, processor.features, options, llvm::Reloc::PIC_, std::nullopt,
      static_cast<llvm::CodeGenOptLevel>(optLevel)));
}
