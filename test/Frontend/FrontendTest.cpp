// What C++ programs do with the front end: write a model, train it, ask it.

#include "ai/Frontend/Graph.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

using namespace ai;
using namespace mlir;

namespace {

std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os);
  return text;
}

std::string finish(ModelBuilder &model, Value output) {
  llvm::Expected<OwningOpRef<ModuleOp>> module = model.finish(output, Recipe());
  return module ? print(**module) : "error: " + llvm::toString(module.takeError());
}

TEST(ModelBuilder, InfersTypesAndNamesParameters) {
  MLIRContext context;
  ModelBuilder model(context, "my net", {1, 8, 8});
  Value x = Conv2d(4, {3, 3}).apply(model, model.getInput());
  x = model.create("ai.flatten", model.create("ai.relu", x));
  EXPECT_EQ(finish(model, Linear(2, /*bias=*/false).apply(model, x)), R"(module {
  ai.model @my_net(%arg0: tensor<?x1x8x8xf32>) -> tensor<?x2xf32> {
    %0 = ai.parameter "conv1.weight" : tensor<4x1x3x3xf32>
    %1 = ai.parameter "conv1.bias" init(#ai.init<uniform, 0.333333333>) : tensor<4xf32>
    %2 = ai.conv2d %arg0, %0, %1 : (tensor<?x1x8x8xf32>, tensor<4x1x3x3xf32>, tensor<4xf32>) -> tensor<?x4x6x6xf32>
    %3 = ai.relu %2 : (tensor<?x4x6x6xf32>) -> tensor<?x4x6x6xf32>
    %4 = ai.flatten %3 : (tensor<?x4x6x6xf32>) -> tensor<?x144xf32>
    %5 = ai.parameter "fc1.weight" : tensor<2x144xf32>
    %6 = ai.linear %4, %5 : (tensor<?x144xf32>, tensor<2x144xf32>) -> tensor<?x2xf32>
    ai.return %6 : tensor<?x2xf32>
  }
  ai.train @my_net loss(cross_entropy) optimizer(#ai.sgd<lr = 0.01>)
}
)");
}

TEST(ModelBuilder, SaysWhereTheFirstErrorIs) {
  MLIRContext context;
  ModelBuilder model(context, "net", {4});
  model.at({"net.cpp", 7, 3});
  Value x = model.create("ai.max_pool2d", model.getInput());
  EXPECT_FALSE(x);
  model.at({"net.cpp", 8, 3});
  EXPECT_FALSE(model.create("ai.relu", x));
  std::string text = finish(model, x);
  EXPECT_EQ(text.find("error: net.cpp:7:3: error: 'ai.max_pool2d' op requires attribute 'kernel'"),
            0u)
      << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(ModelBuilder, RefusesOpsThatAreNoneOfTheDialects) {
  MLIRContext context;
  for (StringRef op : {"ai.no_such", "builtin.module", "no_such.op"}) {
    ModelBuilder model(context, "net", {4});
    EXPECT_EQ(finish(model, model.create(op, model.getInput())),
              "error: error: expects an op of the dialect ai, got '" + op.str() + "'");
  }
}

TEST(ModelBuilder, GivesEachLayerItsName) {
  MLIRContext context;
  ModelBuilder model(context, "net", {4});
  EXPECT_EQ(model.nameOf(1, "fc", "fc1"), "fc1");
  EXPECT_EQ(model.nameOf(2, "fc", ""), "fc2");
  EXPECT_EQ(model.nameOf(2, "fc", ""), "fc2");
  EXPECT_EQ(model.nameOf(3, "fc", "fc2"), "");
}

/// Points on a line, and on which side of zero they lie.
struct Points {
  Points() {
    for (int i = 0; i < 64; ++i) {
      inputs.push_back(float(i - 32) / 16 + 0.01f);
      labels.push_back(i >= 32);
    }
  }
  ai_rt_data_t data() const {
    return {{inputs.data(), AI_RT_F32, 2, shape}, {labels.data(), AI_RT_I32, 1, shape}};
  }

  std::vector<float> inputs;
  std::vector<int32_t> labels;
  const int64_t shape[2] = {64, 1};
};

TEST(Network, LearnsAndPredicts) {
  Points points;
  Sequential net({std::make_shared<Linear>(2)});
  Recipe recipe = {"cross_entropy", SGD{1.0}, {}, /*batch=*/16, /*epochs=*/20};
  std::vector<int64_t> told;
  ai_rt_data_t data = points.data();
  llvm::Expected<std::vector<Epoch>> epochs =
      net.fit(recipe, data, &data, [&](const Epoch &epoch) { told.push_back(epoch.number); });
  ASSERT_TRUE(bool(epochs)) << llvm::toString(epochs.takeError());
  EXPECT_EQ(epochs->size(), 20u);
  EXPECT_EQ(told.size(), 20u);
  EXPECT_LT(epochs->back().train.loss, epochs->front().train.loss / 2);
  EXPECT_GE(epochs->back().test.correct, 63);
  EXPECT_EQ(net.inputShape, std::vector<int64_t>{1});

  std::vector<float> outputs;
  llvm::Error error = net.predict(data, [&](llvm::ArrayRef<int64_t> shape) {
    EXPECT_EQ(shape, llvm::ArrayRef<int64_t>({64, 2}));
    outputs.resize(size_t(shape[0] * shape[1]));
    return outputs.data();
  });
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_GT(outputs[0], 0.9f);
  EXPECT_GT(outputs[127], 0.9f);
}

TEST(Network, WritesWhatHappens) {
  llvm::SmallString<64> folder;
  ASSERT_FALSE(bool(llvm::sys::fs::createUniqueDirectory("frontend", folder)));
  llvm::scope_exit clear([&] { (void)llvm::sys::fs::remove_directories(folder); });
  Points points;
  Sequential net({std::make_shared<Linear>(2)});
  ai_rt_data_t data = points.data();
  Watching watching;
  watching.gradients = true;
  llvm::Expected<std::vector<Epoch>> epochs = net.fit(Recipe(), data, &data, nullptr, watching);
  ASSERT_FALSE(bool(epochs));
  EXPECT_EQ(llvm::toString(epochs.takeError()),
            "expects a log for the gradients, got none; name its folder");
  watching.log = (folder + "/log").str();
  watching.trace = (folder + "/trace.json").str();
  epochs = net.fit(Recipe(), data, &data, nullptr, watching);
  ASSERT_TRUE(bool(epochs)) << llvm::toString(epochs.takeError());
  for (const char *name : {"/log/steps", "/log/train", "/log/test", "/trace.json"})
    EXPECT_TRUE(llvm::sys::fs::exists(folder + name)) << name;
  EXPECT_GE(ai_rt_model_find_tensor(net.getModel().get(), "fc1.weight.gradient"), 0);
  epochs = net.fit(Recipe(), data);
  ASSERT_TRUE(bool(epochs)) << llvm::toString(epochs.takeError());
  EXPECT_LT(ai_rt_model_find_tensor(net.getModel().get(), "fc1.weight.gradient"), 0);

  net.interrupted = [] { return true; };
  watching.trace = (folder + "/none.json").str();
  epochs = net.fit(Recipe(), data, &data, nullptr, watching);
  ASSERT_FALSE(bool(epochs));
  EXPECT_EQ(llvm::toString(epochs.takeError()), "interrupted");
}

TEST(Network, StopsWhenAskedAndGoesOn) {
  Points points;
  Sequential net({std::make_shared<Linear>(2)});
  ai_rt_data_t data = points.data();
  net.interrupted = [] { return true; };
  llvm::Expected<std::vector<Epoch>> epochs = net.fit(Recipe(), data);
  ASSERT_FALSE(bool(epochs));
  EXPECT_EQ(llvm::toString(epochs.takeError()), "interrupted");
  net.interrupted = nullptr;
  epochs = net.fit(Recipe(), data);
  ASSERT_TRUE(bool(epochs)) << llvm::toString(epochs.takeError());
  EXPECT_EQ(epochs->front().train.count, 64);
}

Floats numbers(std::vector<float> values) {
  auto kept = std::make_shared<std::vector<float>>(std::move(values));
  return Floats(kept, kept->data());
}

TEST(Graph, ComputesWithTheNumbersItIsGiven) {
  Graph graph("line", {2});
  graph.recipe.loss = "mse_loss";
  graph.at({"line.onnx", 3, 1});
  size_t w = llvm::cantFail(graph.parameter("fc.weight", {1, 2}, numbers({10, 1})));
  size_t y = llvm::cantFail(graph.add("ai.linear", {Graph::kInput, w}));
  size_t c = llvm::cantFail(graph.constant({1}, numbers({0.5})));
  llvm::cantFail(graph.add("ai.add", {y, c}));
  EXPECT_EQ(graph.getOperators()[y].shape, (std::vector<int64_t>{-1, 1}));

  // A part of another network, too, begins with them.
  Sequential net({std::shared_ptr<Layer>(&graph, [](Layer *) {})});
  net.inputShape = {2};
  net.recipe.loss = "mse_loss";
  const float inputs[] = {1, 2, 3, 4};
  const int64_t shape[] = {2, 2};
  float outputs[2];
  ASSERT_FALSE(bool(net.predict({{inputs, AI_RT_F32, 2, shape}, {}},
                                [&](llvm::ArrayRef<int64_t>) { return outputs; })));
  EXPECT_EQ(outputs[0], 12.5f);
  EXPECT_EQ(outputs[1], 34.5f);

  auto operators = net.operators();
  ASSERT_TRUE(bool(operators)) << llvm::toString(operators.takeError());
  std::vector<std::string> names;
  for (const Operator &op : *operators)
    names.push_back(op.op);
  EXPECT_EQ(names, (std::vector<std::string>{"", "ai.parameter", "ai.linear", "ai.constant",
                                             "ai.add", "ai.return"}));
  EXPECT_EQ((*operators)[4].operands, (std::vector<size_t>{2, 3}));
  EXPECT_EQ((*operators)[3].values.get()[0], 0.5f);
  EXPECT_EQ((*operators)[2].place.line, 3u);
}

TEST(Graph, RefusesWhatDoesNotFitAndGoesOn) {
  Graph graph("net", {4});
  graph.at({"net.onnx", 7, 1});
  EXPECT_EQ(llvm::toString(graph.add("ai.relu", {5}).takeError()),
            "net.onnx:7:1: error: expects operands that were added before");
  EXPECT_EQ(llvm::toString(graph.constant({0}, numbers({})).takeError()),
            "net.onnx:7:1: error: expects extents of at least 1, got 0");
  EXPECT_EQ(llvm::toString(
                graph.add("ai.reshape", {0}, {{"shape", std::vector<int64_t>{-1, 5}}}).takeError())
                .find("net.onnx:7:1: error: 'ai.reshape' op expects"),
            0u);
  llvm::cantFail(graph.parameter("a.weight", {4}, numbers({1, 2, 3, 4})));
  EXPECT_EQ(llvm::cantFail(graph.add("ai.relu", {Graph::kInput})), 2u);
  EXPECT_EQ(graph.getOperators().size(), 3u);
}

TEST(Network, SaysWhatDoesNotFit) {
  Points points;
  Sequential net({std::make_shared<Linear>(2)});
  ai_rt_data_t data = points.data();
  const int64_t shorter[] = {63};
  data.targets.shape = shorter;
  llvm::Expected<ai_rt_metrics_t> metrics = net.evaluate(data);
  ASSERT_FALSE(bool(metrics));
  EXPECT_EQ(llvm::toString(metrics.takeError()),
            "expects as many targets as inputs, got 63 and 64");
  net.inputShape = {1, 4, 4};
  llvm::Expected<std::string> text = net.print("llvm");
  ASSERT_FALSE(bool(text));
  EXPECT_EQ(llvm::toString(text.takeError()),
            "error: Linear expects an input of shape [N,features], got tensor<?x1x4x4xf32>; put a "
            "Flatten before it");
}

} // namespace
