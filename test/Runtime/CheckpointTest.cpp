//===- CheckpointTest.cpp - saving, resuming, and files that lie ----------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeProgram.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace ai::test;
namespace fs = std::filesystem;

namespace {
/// Gives each test a folder of its own.
class CheckpointTest : public testing::Test {
protected:
  CheckpointTest() {
    std::string name = fs::temp_directory_path() / "ai-checkpoint-XXXXXX";
    folder = mkdtemp(name.data());
    path = folder / "model.safetensors";
  }
  ~CheckpointTest() override { fs::remove_all(folder); }

  static std::string read(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Removes the file first: some file systems wait for the disk when one is truncated.
  void write(const std::string &bytes) const {
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
  }

  /// Writes a file with this header and so many bytes of data.
  void writeFile(const std::string &header, int64_t dataBytes) const {
    std::string length(8, '\0');
    for (int i = 0; i < 8; ++i)
      length[i] = static_cast<char>(header.size() >> (8 * i));
    write(length + header + std::string(dataBytes, 'x'));
  }

  void save(const ai_rt_model_t *model) const {
    ASSERT_EQ(ai_rt_model_save(model, path.c_str()), AI_RT_OK) << ai_rt_last_error();
  }

  /// Expects a load to fail with the path and `text`, and the model to stay as it was.
  void expectRefused(ai_rt_model_t *model, const std::string &text, bool parametersOnly = false) {
    std::string before = snapshot(model);
    ai_rt_progress_t progress = ai_rt_model_progress(model);
    int64_t trained = ai_rt_model_is_trained(model);
    ai_rt_status_t status = parametersOnly ? ai_rt_model_load_parameters(model, path.c_str())
                                           : ai_rt_model_load(model, path.c_str());
    EXPECT_EQ(status, AI_RT_BAD_FILE);
    EXPECT_EQ(ai_rt_last_error(), path.string() + ": " + text);
    EXPECT_EQ(snapshot(model), before);
    EXPECT_EQ(ai_rt_model_progress(model).step, progress.step);
    EXPECT_EQ(ai_rt_model_is_trained(model), trained);
  }

  /// The same for a file with this header.
  void expectHeaderRefused(const std::string &header, int64_t dataBytes, const std::string &text) {
    writeFile(header, dataBytes);
    expectRefused(create(regression()).get(), text, /*parametersOnly=*/true);
  }

  size_t numFiles() const {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }

  fs::path folder, path;
};
} // namespace

/// Steps `first ... last - 1` of a training, each on another part of the data.
static void train(ai_rt_model_t *model, const RegressionData &data, int64_t first, int64_t last) {
  for (int64_t i = first; i < last; ++i)
    ASSERT_EQ(ai_rt_model_train_batch(model, &data.data, nullptr, i * 7, 7, nullptr), AI_RT_OK);
}

TEST_F(CheckpointTest, ResumesToTheSameBits) {
  RegressionData data(100);
  ModelPtr whole = create(regression(), 2), half = create(regression(), 2),
           resumed = create(regression(), 3, /*seed=*/99);
  train(whole.get(), data, 0, 20);
  ai_rt_model_next_epoch(half.get());
  train(half.get(), data, 0, 9);
  save(half.get());
  ASSERT_EQ(ai_rt_model_load(resumed.get(), path.c_str()), AI_RT_OK) << ai_rt_last_error();
  EXPECT_EQ(ai_rt_model_is_trained(resumed.get()), 1);
  ai_rt_progress_t at = ai_rt_model_progress(resumed.get());
  EXPECT_EQ(at.step, 9);
  EXPECT_EQ(at.epoch, 1);
  EXPECT_EQ(at.position, 63);
  EXPECT_EQ(at.seed, 7);
  train(resumed.get(), data, 9, 20);
  EXPECT_EQ(snapshot(resumed.get()), snapshot(whole.get()));
}

TEST_F(CheckpointTest, IsTheSameFileEachTimeAndNothingElse) {
  ModelPtr model = create(regression());
  save(model.get());
  std::string first = read(path);
  save(model.get());
  EXPECT_EQ(read(path), first);
  EXPECT_EQ(numFiles(), 1u);
  EXPECT_NE(first.find(R"("__metadata__":{"format":"aic checkpoint")"), std::string::npos);
  EXPECT_NE(first.find(R"("weight":{"dtype":"F32","shape":[3],"data_offsets":[0,12]})"),
            std::string::npos);
  EXPECT_EQ(first.find("\"lr\""), std::string::npos);
}

TEST_F(CheckpointTest, LoadsParametersOnly) {
  RegressionData data(100);
  ModelPtr trained = create(regression()), other = create(regression(), 1, /*seed=*/2);
  train(trained.get(), data, 0, 3);
  save(trained.get());
  ASSERT_EQ(ai_rt_model_load_parameters(other.get(), path.c_str()), AI_RT_OK);
  EXPECT_EQ(snapshot(other.get()).substr(0, 16), snapshot(trained.get()).substr(0, 16));
  EXPECT_EQ(ai_rt_model_progress(other.get()).step, 0);
  EXPECT_EQ(ai_rt_model_is_trained(other.get()), 1);
}

/// Parameters from elsewhere: any order, no metadata, other tensors of types that we do not have.
TEST_F(CheckpointTest, LoadsParametersOfStrangers) {
  writeFile(R"({"bias":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
            R"("weight":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},)"
            R"("scale":{"dtype":"F8_E4M3","shape":[5],"data_offsets":[16,21]}})",
            21);
  ModelPtr model = create(regression());
  ASSERT_EQ(ai_rt_model_load_parameters(model.get(), path.c_str()), AI_RT_OK) << ai_rt_last_error();
  EXPECT_EQ(snapshot(model.get()).substr(0, 16), std::string(16, 'x'));
}

//===----------------------------------------------------------------------===//
// Files that are refused
//===----------------------------------------------------------------------===//

TEST_F(CheckpointTest, RefusesAnotherModel) {
  save(create(counter()).get());
  ModelPtr model = create(regression());
  expectRefused(model.get(), "expects a checkpoint of model 'regression', got one of 'counter'");
  expectRefused(model.get(), "expects tensor 'weight' of model 'regression', which is absent",
                /*parametersOnly=*/true);
}

TEST_F(CheckpointTest, RefusesTensorsThatTheModelLacks) {
  ai_rt_program_t smaller = regression();
  ai_rt_tensor_info_t tensors[4] = {smaller.tensors[0], smaller.tensors[1], smaller.tensors[3],
                                    smaller.tensors[4]};
  smaller.tensors = tensors;
  smaller.num_tensors = 4;
  save(create(regression()).get());
  expectRefused(create(smaller).get(), "holds tensor 'weight.momentum_buffer', which model "
                                       "'regression' does not have");
  save(create(smaller).get());
  expectRefused(create(regression()).get(), "expects tensor 'weight.momentum_buffer' of model "
                                            "'regression', which is absent");
}

TEST_F(CheckpointTest, RefusesEveryTruncation) {
  ModelPtr model = create(regression());
  save(model.get());
  std::string bytes = read(path), before = snapshot(model.get());
  for (size_t length = 0; length < bytes.size(); ++length) {
    write(bytes.substr(0, length));
    ASSERT_EQ(ai_rt_model_load(model.get(), path.c_str()), AI_RT_BAD_FILE) << length << " bytes";
  }
  write(bytes + "x");
  EXPECT_EQ(ai_rt_model_load(model.get(), path.c_str()), AI_RT_BAD_FILE);
  EXPECT_EQ(snapshot(model.get()), before);
  EXPECT_EQ(ai_rt_model_is_trained(model.get()), 0);
}

/// Any byte of the header, changed in any of several ways, is refused or harmless; never a crash.
TEST_F(CheckpointTest, SurvivesDamage) {
  ModelPtr model = create(regression());
  save(model.get());
  std::string bytes = read(path);
  for (size_t at = 0; at + 28 < bytes.size(); ++at)
    for (char change : {'\x01', '\x10', '\x80', '\x02'}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      write(damaged);
      std::string before = snapshot(model.get());
      if (ai_rt_model_load(model.get(), path.c_str()) != AI_RT_OK)
        ASSERT_EQ(snapshot(model.get()), before);
    }
}

TEST_F(CheckpointTest, RefusesHeadersTooLong) {
  write(std::string("\0\0\0\0\0\1\0\0{}", 10));
  expectRefused(create(regression()).get(),
                "expects a header of at most 2 bytes, got 1099511627776");
  write(std::string(8, '\xff') + "{}");
  expectRefused(create(regression()).get(),
                "expects a header of at most 2 bytes, got 18446744073709551615");
  write("abc");
  expectRefused(create(regression()).get(), "expects a safetensors file, got 3 bytes");
}

/// A sparse file of a terabyte costs nothing on disk and must cost nothing in memory.
TEST_F(CheckpointTest, RefusesATerabyteOfData) {
  writeFile(R"({"weight":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}})",
            0);
  std::error_code error;
  fs::resize_file(path, fs::file_size(path) + (1ull << 40), error);
  if (error)
    GTEST_SKIP() << "no sparse files of a terabyte here: " << error.message();
  expectRefused(create(regression()).get(),
                "expects tensor 'weight' of [3] F32, got [1099511627776] U8",
                /*parametersOnly=*/true);
}

TEST_F(CheckpointTest, RefusesHeadersThatAreNoHeader) {
  expectHeaderRefused("", 0, "expects the header to be valid JSON");
  expectHeaderRefused("[1]", 0, "expects the header to be a JSON object");
  expectHeaderRefused("{\"a\":", 0, "expects the header to be valid JSON");
  expectHeaderRefused(R"({"__metadata__":3})", 0, "expects '__metadata__' to be a JSON object");
  expectHeaderRefused(R"({"__metadata__":{"a":3}})", 0, "expects metadata 'a' to be a string");
  expectHeaderRefused(std::string(200000, '['), 0, "expects a header nested at most 8 deep");
}

TEST_F(CheckpointTest, RefusesDuplicateKeys) {
  expectHeaderRefused(R"({"weight":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},)"
                      R"("weight":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})",
                      12, "expects each key once, got 'weight' twice");
  expectHeaderRefused(R"({"weight":{"dtype":"F32","dtype":"F32"}})", 0,
                      "expects each key once, got 'dtype' twice");
}

TEST_F(CheckpointTest, RefusesOffsetsThatOverlapOrLeaveTheFile) {
  auto header = [](const std::string &weight, const std::string &bias) {
    return R"({"weight":{"dtype":"F32","shape":[3],"data_offsets":)" + weight +
           R"(},"bias":{"dtype":"F32","shape":[1],"data_offsets":)" + bias + "}}";
  };
  expectHeaderRefused(header("[0,12]", "[8,12]"), 12,
                      "expects tensors side by side, got 'bias' at offset 8 where the one before "
                      "ends at 12");
  expectHeaderRefused(header("[0,12]", "[13,17]"), 17,
                      "expects tensors side by side, got 'bias' at offset 13 where the one before "
                      "ends at 12");
  expectHeaderRefused(header("[0,12]", "[12,16]"), 15,
                      "expects tensor 'bias' inside the 15 bytes of data, got offsets 12 to 16");
  expectHeaderRefused(header("[0,12]", "[16,12]"), 16,
                      "expects tensor 'bias' inside the 16 bytes of data, got offsets 16 to 12");
  expectHeaderRefused(header("[0,12]", "[-4,0]"), 16,
                      "expects tensor 'bias' to have whole numbers of at least 0, got -4");
  expectHeaderRefused(header("[0,12]", "[12,18446744073709551615]"), 16,
                      "expects tensor 'bias' to have whole numbers of at least 0, got "
                      "18446744073709551615");
  expectHeaderRefused(header("[0,12]", "[12,16]"), 20, "expects 16 bytes of data, got 20");
}

TEST_F(CheckpointTest, RefusesWrongTypesAndShapes) {
  auto header = [](const std::string &dtype, const std::string &shape, int bytes) {
    return R"({"weight":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":[0,)" +
           std::to_string(bytes) + "]}}";
  };
  expectHeaderRefused(header("F64", "[3]", 24), 24,
                      "expects tensor 'weight' of [3] F32, got [3] F64");
  expectHeaderRefused(header("F32", "[4]", 16), 16,
                      "expects tensor 'weight' of [3] F32, got [4] F32");
  expectHeaderRefused(header("F32", "[3,1]", 12), 12,
                      "expects tensor 'weight' of [3] F32, got [3,1] F32");
  expectHeaderRefused(header("F32", "[4]", 12), 12,
                      "expects tensor 'weight' of [4] F32 to take as many bytes as that, got 12");
  expectHeaderRefused(header("F32", "[4294967296,4294967296]", 0), 0,
                      "expects tensor 'weight' of [4294967296,4294967296] F32 to take as many "
                      "bytes as that, got 0");
  expectHeaderRefused(header("F32", "3", 12), 12,
                      "expects tensor 'weight' to have dtype, shape and two data_offsets");
  expectHeaderRefused(R"({"weight":3})", 0,
                      "expects tensor 'weight' to have dtype, shape and two data_offsets");
}

TEST_F(CheckpointTest, RefusesMetadataThatIsNoProgress) {
  ModelPtr model = create(regression());
  save(model.get());
  std::string bytes = read(path);
  auto replaced = [&](const std::string &from, const std::string &to) {
    std::string result = bytes;
    result.replace(result.find(from), from.size(), to);
    return result;
  };
  write(replaced(R"("step":"0")", R"("step":"x")"));
  expectRefused(model.get(), "expects metadata 'step' to be a number, got 'x'");
  write(replaced(R"("step":"0")", R"("stop":"0")"));
  expectRefused(model.get(), "expects a checkpoint, but its metadata has no 'step'");
  write(replaced(R"("format_version":"1")", R"("format_version":"2")"));
  expectRefused(model.get(), "expects a checkpoint of format version 1, got 'aic checkpoint' of "
                             "version '2'");
}

TEST_F(CheckpointTest, RefusesWhatIsNoFile) {
  ModelPtr model = create(regression());
  expectRefused(model.get(), "cannot open: No such file or directory");
  path = folder;
  expectRefused(model.get(), "expects a regular file");
}

//===----------------------------------------------------------------------===//
// Saving that fails
//===----------------------------------------------------------------------===//

TEST_F(CheckpointTest, KeepsTheOldFileWhenTheDiskIsFull) {
  RegressionData data(10);
  ModelPtr model = create(regression());
  save(model.get());
  std::string before = read(path);
  train(model.get(), data, 0, 1);
  // A limit on the size of files stands for the full disk: both end a write early.
  rlimit unlimited, limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  limit = {static_cast<rlim_t>(before.size() - 10), unlimited.rlim_max};
  auto *handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  ai_rt_status_t status = ai_rt_model_save(model.get(), path.c_str());
  std::string message = ai_rt_last_error();
  setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(status, AI_RT_BAD_FILE);
  EXPECT_EQ(message, path.string() + ": cannot write: File too large");
  EXPECT_EQ(read(path), before);
  EXPECT_EQ(numFiles(), 1u);
}

TEST_F(CheckpointTest, RefusesToSaveWhereItCannot) {
  ModelPtr model = create(regression());
  std::string nowhere = folder / "absent" / "model.safetensors";
  EXPECT_EQ(ai_rt_model_save(model.get(), nowhere.c_str()), AI_RT_BAD_FILE);
  EXPECT_EQ(ai_rt_last_error(), nowhere + ": cannot create: No such file or directory");
  EXPECT_EQ(ai_rt_model_save(model.get(), folder.c_str()), AI_RT_BAD_FILE);
  EXPECT_EQ(ai_rt_last_error(), folder.string() + ": expects a regular file to replace");
  EXPECT_EQ(ai_rt_model_save(model.get(), "/dev/null"), AI_RT_BAD_FILE);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(numFiles(), 0u);
}

TEST_F(CheckpointTest, ReplacesTheFileBehindALink) {
  ModelPtr model = create(regression());
  fs::path link = folder / "latest";
  save(model.get());
  fs::create_symlink(path, link);
  ASSERT_EQ(ai_rt_model_save(model.get(), link.c_str()), AI_RT_OK);
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(numFiles(), 2u);
}
