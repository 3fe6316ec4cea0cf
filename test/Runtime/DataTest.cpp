//===- DataTest.cpp - finding data sets -----------------------------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Data.h"

#include "Files.h"

#include <cstring>

using namespace ai::rt;
using namespace ai::test;

namespace {

class Data : public testing::Test {
protected:
  void add(const std::string &name, const std::string &bytes = "") {
    writeFile(folder / name, bytes);
  }
  std::string imagesOf(Split split) {
    std::string path = findDataFiles(folder.path, split).inputs;
    return path.substr(folder.path.size() + 1);
  }
  std::string findError(Split split) {
    return errorOf([&] { findDataFiles(folder.path, split); });
  }

  TemporaryFolder folder;
};

TEST_F(Data, FindsTheNamesOfMNIST) {
  add("train-images-idx3-ubyte.gz");
  add("train-labels-idx1-ubyte.gz");
  add("t10k-images-idx3-ubyte");
  add("t10k-labels-idx1-ubyte");
  EXPECT_EQ(imagesOf(Split::Train), "train-images-idx3-ubyte.gz");
  EXPECT_EQ(imagesOf(Split::Test), "t10k-images-idx3-ubyte");
  add("train-images-idx3-ubyte");
  EXPECT_EQ(imagesOf(Split::Train), "train-images-idx3-ubyte");
}

TEST_F(Data, FindsOtherNames) {
  add("train-images.idx");
  add("train-labels.idx");
  add("test-images.f32.gz");
  add("test-labels.i32.gz");
  EXPECT_EQ(imagesOf(Split::Train), "train-images.idx");
  EXPECT_EQ(imagesOf(Split::Test), "test-images.f32.gz");
  add("test-images.f32");
  EXPECT_EQ(imagesOf(Split::Test), "test-images.f32");
}

IDXArray makeImages(std::vector<int64_t> shape, int64_t dtype, const std::string &bytes) {
  IDXArray images;
  images.dtype = dtype;
  images.shape = std::move(shape);
  images.data.reset(new char[bytes.size()]);
  std::memcpy(images.data.get(), bytes.data(), bytes.size());
  return images;
}

TEST(Padding, PutsZerosOnEverySide) {
  IDXArray images = makeImages({2, 1, 2}, AI_RT_U8, "\1\2\3\4");
  padImages(images, 1);
  EXPECT_EQ(images.shape, (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(std::string(images.data.get(), 24), std::string("\0\0\0\0"
                                                            "\0\1\2\0"
                                                            "\0\0\0\0"
                                                            "\0\0\0\0"
                                                            "\0\3\4\0"
                                                            "\0\0\0\0",
                                                            24));
}

TEST(Padding, KeepsChannelsAndWiderElements) {
  IDXArray images = makeImages({1, 2, 1, 1}, AI_RT_I32, "abcdefgh");
  padImages(images, 1);
  EXPECT_EQ(images.shape, (std::vector<int64_t>{1, 2, 3, 3}));
  EXPECT_EQ(std::string(images.data.get() + 4 * 4, 4), "abcd");
  EXPECT_EQ(std::string(images.data.get() + (9 + 4) * 4, 4), "efgh");
}

TEST(Padding, RefusesWhatCannotBe) {
  IDXArray images = makeImages({2, 1, 2}, AI_RT_U8, "\1\2\3\4");
  EXPECT_EQ(errorOf([&] { padImages(images, -1); }), "expects padding of 0 to 1048576, got -1");
  padImages(images, 0);
  EXPECT_EQ(images.shape, (std::vector<int64_t>{2, 1, 2}));
  IDXArray rows = makeImages({2, 2}, AI_RT_U8, "\1\2\3\4");
  EXPECT_EQ(errorOf([&] { padImages(rows, 1); }),
            "expects images to pad, of shape [samples,...,height,width], got [2,2]");
}

TEST_F(Data, NamesTheCompetingFiles) {
  add("train-images.a");
  add("train-images.b");
  EXPECT_EQ(findError(Split::Train), folder.path + ": expected one file of training images, got "
                                                   "train-images.a and train-images.b");
}

TEST_F(Data, SaysWhatIsMissing) {
  EXPECT_EQ(findError(Split::Train),
            folder.path + ": no training images found; expected train-images-idx3-ubyte or "
                          "train-images-idx3-ubyte.gz");
  EXPECT_TRUE(lacksSplit(folder.path, Split::Test));
  add("t10k-images-idx3-ubyte");
  EXPECT_FALSE(lacksSplit(folder.path, Split::Test));
  EXPECT_EQ(findError(Split::Test), folder.path + ": no test labels found; expected "
                                                  "t10k-labels-idx1-ubyte or "
                                                  "t10k-labels-idx1-ubyte.gz");
  EXPECT_EQ(errorOf([&] { findDataFiles(folder / "none", Split::Test); }),
            folder / "none: no such folder");
  EXPECT_EQ(errorOf([&] { findDataFiles(folder / "t10k-images-idx3-ubyte", Split::Test); }),
            folder / "t10k-images-idx3-ubyte: not a folder");
}

TEST_F(Data, RefusesDifferentCounts) {
  add("images", idx(0x08, {3, 2}, "abcdef"));
  add("labels", idx(0x08, {2}, "ab"));
  DataFiles files{folder / "images", folder / "labels"};
  EXPECT_EQ(errorOf([&] { readDataset(files); }),
            folder / "labels: expected a label for each of the 3 samples in " + folder.path +
                "/images, got 2");
  EXPECT_EQ(readDataset(files, /*sameCount=*/false).targets.rows(), 2);
}

TEST_F(Data, OpensByTheCAPI) {
  add("train-images", idx(0x08, {2, 2}, "abcd"));
  add("train-labels", idx(0x08, {2}, "\x01\x02"));
  ai_rt_dataset_t *dataset = nullptr;
  ASSERT_EQ(ai_rt_dataset_open_split(folder.path.c_str(), "train", &dataset), AI_RT_OK);
  ai_rt_data_t data = ai_rt_dataset_data(dataset);
  EXPECT_EQ(data.inputs.rank, 2);
  EXPECT_EQ(data.inputs.shape[0], 2);
  EXPECT_EQ(static_cast<const char *>(data.targets.data)[1], 2);
  ai_rt_dataset_destroy(dataset);

  ASSERT_EQ(ai_rt_dataset_open((folder / "train-images").c_str(), nullptr, &dataset), AI_RT_OK);
  EXPECT_EQ(ai_rt_dataset_data(dataset).targets.data, nullptr);
  ai_rt_dataset_destroy(dataset);
  ai_rt_dataset_destroy(nullptr);

  EXPECT_EQ(ai_rt_dataset_open((folder / "none").c_str(), nullptr, &dataset), AI_RT_BAD_FILE);
  EXPECT_EQ(ai_rt_dataset_open_split(folder.path.c_str(), "valid", &dataset), AI_RT_INVALID);
}

} // namespace
