#include "lib/Driver/ExplainStages.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace ai;

namespace json = llvm::json;

json::Value ai::jsonText(StringRef text) { return json::fixUTF8(text); }

/// The file of locations that are marks: no file is called so.
static constexpr llvm::StringLiteral kMarks = "\x01nests";

/// The outermost name of a location and the first place in a file below it.
int64_t PlaceTable::numberOf(Location loc) {
  auto file = loc->findInstanceOf<FileLineColLoc>();
  if (!file)
    return 0;
  auto named = loc->findInstanceOf<NameLoc>();
  std::string name = named ? named.getName().str() : "";
  std::string key = (Twine(file.getLine()) + ":" + Twine(file.getColumn()) + ":" + name).str();
  auto [found, isNew] = numbers.try_emplace(key, places.size());
  if (isNew)
    places.push_back({name, file.getLine(), file.getColumn()});
  return found->second;
}

PlaceTable::Mark PlaceTable::markOf(Operation *op) {
  auto file = op->getLoc()->findInstanceOf<FileLineColLoc>();
  if (file && file.getFilename() == kMarks)
    return {file.getColumn(), file.getLine()};
  return {numberOf(op->getLoc()), 0};
}

void PlaceTable::setMark(Operation *op, Mark mark) {
  // LLVM keeps 16 bits of a column.
  int64_t place = mark.place <= UINT16_MAX ? mark.place : 0;
  Location loc = FileLineColLoc::get(op->getContext(), kMarks, mark.nest, place);
  auto name = op->getLoc()->findInstanceOf<NameLoc>();
  op->setLoc(name ? Location(NameLoc::get(name.getName(), loc)) : loc);
}

json::Array PlaceTable::toJSON() const {
  json::Array array;
  for (const Place &place : places)
    array.push_back(json::Object{
        {"name", jsonText(place.name)}, {"line", place.line}, {"column", place.column}});
  return array;
}

MarkedText MarkedText::print(ModuleOp module, PlaceTable &places) {
  MarkedText result;
  OpPrintingFlags flags;
  flags.printNameLocAsPrefix();
  AsmState::LocationMap lines;
  AsmState state(module, flags, &lines);
  llvm::raw_string_ostream os(result.text);
  module->print(os, state);
  os << "\n";
  result.marks.resize(StringRef(result.text).count('\n'));
  module.walk([&](Operation *op) {
    auto found = lines.find(op);
    if (found != lines.end() && found->second.first <= result.marks.size() && op != module)
      result.marks[found->second.first - 1] = places.markOf(op);
  });
  return result;
}

/// Marks as one list of numbers, which deflates well.
json::Value MarkedText::toJSON() const {
  json::Array numbers;
  for (const PlaceTable::Mark &mark : marks) {
    numbers.push_back(mark.place);
    numbers.push_back(mark.nest);
  }
  return json::Object{{"text", jsonText(text)}, {"marks", std::move(numbers)}};
}

OpCounts ai::countOps(Operation *op) {
  OpCounts counts;
  op->walk([&](Operation *inner) { ++counts[inner->getName()]; });
  return counts;
}

json::Object ai::toJSON(const OpCounts &counts) {
  json::Object object;
  for (auto [name, count] : counts)
    if (count)
      object[json::fixUTF8(name.getStringRef())] = count;
  return object;
}

static int64_t sum(const OpCounts &counts) {
  int64_t sum = 0;
  for (auto [name, count] : counts)
    sum += count;
  return sum;
}

/// Adaptors that run passes on functions have no name.
void PassRecorder::runBeforePass(Pass *pass, Operation *op) {
  if (pass->getArgument().empty())
    return;
  counts = countOps(op);
  name = pass->getArgument().str();
  start = std::chrono::steady_clock::now();
}

void PassRecorder::runAfterPass(Pass *pass, Operation *op) {
  if (pass->getArgument().empty())
    return;
  Record &record = passes[pass];
  record.name = name;
  record.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  record.before += sum(counts);
  for (auto [key, count] : counts)
    record.difference[key] -= count;
  for (auto [key, count] : countOps(op)) {
    record.difference[key] += count;
    record.after += count;
  }
  name.clear();
}

json::Array PassRecorder::toJSON() const {
  json::Array array;
  for (const auto &[pass, record] : passes)
    if (record.name != "ai-check-stage")
      array.push_back(json::Object{{"name", record.name},
                                   {"seconds", record.seconds},
                                   {"before", record.before},
                                   {"after", record.after},
                                   {"ops", ai::toJSON(record.difference)}});
  return array;
}
