// Reads the small grey images that the examples classify. Apart, since two of them do.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

// The 28 x 28 pixels of a binary PGM file ("P5", no comments), in [0, 1]; empty if it is anything else.
inline std::vector<float> read_digit(const std::string& path) {
  std::vector<float> pixels;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return pixels;
  int width = 0, height = 0, largest = 0;
  unsigned char bytes[784];
  if (std::fscanf(file, "P5 %d %d %d", &width, &height, &largest) == 3 && width == 28 && height == 28 &&
      largest == 255 && std::fgetc(file) != EOF && std::fread(bytes, 1, sizeof bytes, file) == sizeof bytes) {
    for (const unsigned char byte : bytes) pixels.push_back(static_cast<float>(byte) / 255.0f);
  }
  std::fclose(file);
  return pixels;
}
