// The blocks around the register tile, and the choice between the ways of a product. It stands apart from the
// tile, since what it weighs are caches.
//
//   for block of rows:           its packed a fills about a quarter of L2
//     for block of k:            kDepth steps
//       pack a                   if it is used often enough to pay
//       for panel of columns:    one tile wide
//         pack b                 into L1, just before it is used
//         for tile of rows:      multiply_tile
//     epilogue on the rows
//
// What differs from Goto and BLIS: b is packed panel by panel for each block of rows instead of once into a
// shared buffer. Packing a step of k costs about 3 cycles, its use 1 cycle a row, so with 64 rows it is 5 %
// and with 256 it is 1 %. In return a part needs nothing of its neighbours (no barrier, no order among
// threads), the workspace does not grow with n, and finished rows come out early enough for an epilogue.
#pragma once

namespace graphc::kernels {

namespace {

// Steps of k in a block. A panel of b (128 bytes a step with AVX-512, 64 with AVX2) has to stay in L1 (48 or
// 32 KiB) beside the a that streams past; each further block reads and writes c once more. The same for every
// instruction set, so that they give the same bits.
constexpr std::int64_t kDepth = 256;

// When b is not packed; panel_of_b says why.
constexpr std::int64_t kFewRows = 16;            // two tiles of strided rows
constexpr std::int64_t kShortBytes = 16 * 1024;  // half of a small L1

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0); }

// k in equal blocks of at most kDepth steps: depends on k alone.
GRAPHC_INLINE std::int64_t block_depth(std::int64_t k) {
  return k <= kDepth ? k : ceil_divide(k, ceil_divide(k, kDepth));
}

template <typename Isa, typename T>
struct Sizes {
  static constexpr int lanes = kLanes<Isa, T>;
  static constexpr int rows = Isa::kRows;                            // of a tile
  static constexpr int columns = Isa::kVectors * lanes;              // of a tile
  static constexpr int a_step = (rows + lanes - 1) / lanes * lanes;  // packed a: whole vectors a step of k
  static constexpr int strided_rows = rows < 8 ? rows : 8;  // a not packed: at worst one set of L1 (8 ways)
};

// Tiles of rows in a block, when there are `tiles` in all: their packed a is at most Isa::kBlockBytes.
template <typename Isa, typename T>
GRAPHC_INLINE std::int64_t block_tiles(std::int64_t tiles, std::int64_t depth) {
  const std::int64_t bytes = depth * Sizes<Isa, T>::a_step * std::int64_t(sizeof(T));
  return tiles * bytes <= Isa::kBlockBytes ? tiles : std::max<std::int64_t>(1, Isa::kBlockBytes / bytes);
}

template <typename Isa, typename T, int... kIndex>
constexpr auto packed_tiles(std::integer_sequence<int, kIndex...>) {
  return std::array<TileFunction<T>, sizeof...(kIndex)>{
      multiply_tile<Isa, T, kIndex / Isa::kVectors + 1, kIndex % Isa::kVectors + 1,
                    Sizes<Isa, T>::a_step>...};
}

template <typename Isa, typename T, int... kIndex>
constexpr auto strided_tiles(std::integer_sequence<int, kIndex...>) {
  return std::array<TileFunction<T>, sizeof...(kIndex)>{
      multiply_tile<Isa, T, kIndex / Isa::kVectors + 1, kIndex % Isa::kVectors + 1, 0>...};
}

template <typename Isa, typename T>
constexpr auto kPackedTiles =
    packed_tiles<Isa, T>(std::make_integer_sequence<int, Isa::kRows * Isa::kVectors>());
template <typename Isa, typename T>
constexpr auto kStridedTiles =
    strided_tiles<Isa, T>(std::make_integer_sequence<int, Sizes<Isa, T>::strided_rows * Isa::kVectors>());

// Calls the epilogue on the rows that are finished, up to the last multiple of its grain.
struct FinishedRows {
  const Epilogue* epilogue;
  std::int64_t begin, part_end;

  GRAPHC_INLINE void reach(std::int64_t end) {
    if (epilogue == nullptr) return;
    if (end < part_end) end -= end % epilogue->grain;
    if (end <= begin) return;
    epilogue->run(epilogue->context, begin, end);
    begin = end;
  }
};

template <typename Isa, typename T>
struct Blocked {
  using S = Sizes<Isa, T>;

  const Product<T>& product;
  const Part& part;
  T* packed_b;
  T* packed_a;

  const T* a_at(std::int64_t i, std::int64_t p) const {
    return product.a + (product.transpose_a ? p * product.lda + i : i * product.lda + p);
  }
  const T* b_at(std::int64_t p, std::int64_t j) const {
    return product.b + (product.transpose_b ? j * product.ldb + p : p * product.ldb + j);
  }

  void run() {
    const std::int64_t rows = part.row_end - part.row_begin, depth = block_depth(product.k);
    // One panel of b uses each a once, at 1 cycle an element of a tile; packing it costs a third of that.
    const bool pack_a = part.column_end - part.column_begin > 2 * S::columns;
    const std::int64_t most_rows = block_tiles<Isa, T>(ceil_divide(rows, S::rows), depth) * S::rows;
    const std::int64_t block_rows =
        rows <= most_rows ? rows : ceil_divide(rows, ceil_divide(rows, most_rows));
    FinishedRows finished{part.epilogue, part.row_begin, part.row_end};
    for (std::int64_t i = part.row_begin; i < part.row_end; i += block_rows) {
      const std::int64_t end = std::min(i + block_rows, part.row_end);
      for (std::int64_t p = 0; p < product.k; p += depth) {
        run_block(i, end, p, std::min(depth, product.k - p), pack_a);
      }
      finished.reach(end);
    }
  }

  // Rows [begin, end) in tiles of equal height, so that no tile wastes registers on a few rows.
  void run_block(std::int64_t begin, std::int64_t end, std::int64_t p, std::int64_t depth, bool pack_a) {
    const std::int64_t rows = end - begin;
    const std::int64_t tiles = pack_a ? ceil_divide(rows, S::rows) : ceil_divide(rows, S::strided_rows);
    const std::int64_t height = tiles == 1 ? rows : rows / tiles, higher = rows - height * tiles;
    if (pack_a) {
      std::int64_t i = begin;
      for (std::int64_t t = 0; t < tiles; ++t) {
        const int count = static_cast<int>(height + (t < higher));
        T* to = packed_a + t * depth * S::a_step;
        if (product.transpose_a) {
          pack_straight<Isa, T, S::a_step>(to, a_at(i, p), product.lda, count, depth);
        } else {
          pack_transposed<Isa, T, S::a_step>(to, a_at(i, p), product.lda, count, depth);
        }
        i += count;
      }
    }
    for (std::int64_t j = part.column_begin; j < part.column_end; j += S::columns) {
      const int columns = static_cast<int>(std::min<std::int64_t>(S::columns, part.column_end - j));
      const int vectors = (columns + S::lanes - 1) / S::lanes;
      Tile<T> tile;
      tile.depth = depth;
      tile.ldc = product.ldc;
      tile.alpha = product.alpha;
      tile.accumulate = p > 0;
      tile.columns = columns - (vectors - 1) * S::lanes;
      tile.b = panel_of_b(p, depth, j, columns, rows, tile.b_step);
      tile.a_row = product.transpose_a ? 1 : product.lda;
      tile.a_step = product.transpose_a ? product.lda : 1;
      const std::int64_t next = j + S::columns;
      const std::int64_t next_columns =
          tile.b == packed_b ? std::min<std::int64_t>(S::columns, part.column_end - next) : 0;
      std::int64_t i = begin;
      for (std::int64_t t = 0; t < tiles; ++t) {
        const std::int64_t count = height + (t < higher);
        if (next_columns > 0) prefetch_b(p, depth, next, next_columns, t, tiles);
        const std::size_t index = static_cast<std::size_t>((count - 1) * Isa::kVectors + vectors - 1);
        tile.c = product.c + i * product.ldc + j;
        if (pack_a) {
          tile.a = packed_a + t * depth * S::a_step;
          kPackedTiles<Isa, T>[index](tile);
        } else {
          tile.a = a_at(i, p);
          kStridedTiles<Isa, T>[index](tile);
        }
        i += count;
      }
    }
  }

  // The share of tile t in fetching the next panel of b, which is packed as soon as the last tile is done:
  // its rows lie too far apart for the hardware to foresee.
  void prefetch_b(std::int64_t p, std::int64_t depth, std::int64_t j, std::int64_t columns, std::int64_t t,
                  std::int64_t tiles) {
    const std::int64_t rows = product.transpose_b ? columns : depth;
    const std::int64_t bytes = (product.transpose_b ? depth : columns) * std::int64_t(sizeof(T));
    const std::int64_t end = rows * (t + 1) / tiles;
    for (std::int64_t r = rows * t / tiles; r < end; ++r) {
      const char* line = reinterpret_cast<const char*>(b_at(p, j) + r * product.ldb);
      for (std::int64_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch(line + byte, 0, 2);
      __builtin_prefetch(line + bytes - 1, 0, 2);
    }
  }

  // A panel is read where it lies if it is whole and either used by few rows (packing would cost a fifth of
  // its use) or so short that it fits L1 with all that lies between its rows.
  const T* panel_of_b(std::int64_t p, std::int64_t depth, std::int64_t j, int columns, std::int64_t rows,
                      std::int64_t& step) {
    const T* b = b_at(p, j);
    const bool few = rows <= kFewRows,
               short_rows = depth * product.ldb * std::int64_t(sizeof(T)) <= kShortBytes;
    if (!product.transpose_b && columns % S::lanes == 0 && (few || short_rows)) {
      step = product.ldb;
      return b;
    }
    step = S::columns;
    if (product.transpose_b) {
      pack_transposed<Isa, T, S::columns>(packed_b, b, product.ldb, columns, depth);
    } else {
      pack_straight<Isa, T, S::columns>(packed_b, b, product.ldb, columns, depth);
    }
    return packed_b;
  }
};

}  // namespace

}  // namespace graphc::kernels
