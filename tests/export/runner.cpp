// Runs a package's program on raw files: `runner PACKAGE TARGET PROGRAM CALLS SAVE INPUT...`, where an input
// is DTYPE:EXTENT,EXTENT:FILE. Writes each call's outputs to stdout, and the package with its variables to
// SAVE. A host for the tests that compare with Python; apart from host_test.cpp, which tests the interface.
#include <graphc/graphc.hpp>

#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace {

const std::int64_t kItemSizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};

struct Array {
  std::vector<char> bytes;
  graphc::TensorView view;
};

Array read_input(const std::string& text) {
  const std::size_t first = text.find(':'), second = text.find(':', first + 1);
  std::vector<std::int64_t> shape;
  std::istringstream extents(text.substr(first + 1, second - first - 1));
  for (std::string extent; std::getline(extents, extent, ',');) shape.push_back(std::stoll(extent));
  std::ifstream file(text.substr(second + 1), std::ios::binary);
  Array array{std::vector<char>(std::istreambuf_iterator<char>(file), {}), {}};
  array.view = graphc::view(array.bytes.data(), static_cast<graphc::DType>(std::stoi(text.substr(0, first))),
                            shape.data(), shape.size());
  return array;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    graphc::LoadOptions options;
    if (*argv[2]) options.target = argv[2];
    graphc::Package package = graphc::Package::load(argv[1], options);
    graphc::Program program = package.program(argv[3]);
    std::vector<Array> inputs;
    std::vector<graphc::TensorView> views;
    for (int i = 6; i < argc; ++i) inputs.push_back(read_input(argv[i]));
    for (const Array& input : inputs) views.push_back(input.view);
    for (int call = 0; call < std::stoi(argv[4]); ++call) {
      std::vector<graphc::TensorView> outputs = program.output_views(views);
      std::vector<std::vector<char>> memory;
      for (graphc::TensorView& output : outputs) {
        std::int64_t bytes = kItemSizes[output.dtype];
        for (int axis = 0; axis < output.rank; ++axis) bytes *= output.shape[axis];
        memory.emplace_back(static_cast<std::size_t>(bytes + 1));
        output.data = memory.back().data();
      }
      program.run(views, outputs);
      for (const std::vector<char>& bytes : memory)
        std::cout.write(bytes.data(), static_cast<std::streamsize>(bytes.size() - 1));
    }
    package.save(argv[5]);
  } catch (const graphc::Error& error) {
    std::cerr << error.what() << "\n";
    return error.code();
  }
}
