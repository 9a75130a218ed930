// The files of this folder, in the order and under the titles of the documentation. Included by function.cc
// only: a family's file just defines its Add... function.
#pragma once

#include "core/expr/function.h"

namespace streamrun {

void AddArithmetic(FunctionTable& table);
void AddComparison(FunctionTable& table);
void AddBoolean(FunctionTable& table);
void AddMath(FunctionTable& table);
void AddText(FunctionTable& table);
void AddTextEdit(FunctionTable& table);
void AddPattern(FunctionTable& table);
void AddRegex(FunctionTable& table);
void AddDatetime(FunctionTable& table);
void AddDatetimeTrunc(FunctionTable& table);
void AddDatetimeMake(FunctionTable& table);
void AddDatetimeArithmetic(FunctionTable& table);
void AddJson(FunctionTable& table);
void AddArray(FunctionTable& table);
void AddCasts(FunctionTable& table);

struct FamilyEntry {
  std::string_view title;
  void (*add)(FunctionTable& table);
};

inline constexpr FamilyEntry kFamilies[] = {
    {"Arithmetic", AddArithmetic},
    {"Comparison", AddComparison},
    {"Boolean", AddBoolean},
    {"Mathematics", AddMath},
    {"Text", AddText},
    {"Text: padding, trimming, splitting", AddTextEdit},
    {"LIKE", AddPattern},
    {"Regular expressions", AddRegex},
    {"Date and time", AddDatetime},
    {"Date and time: truncation and parts", AddDatetimeTrunc},
    {"Date and time: construction", AddDatetimeMake},
    {"Date and time: arithmetic", AddDatetimeArithmetic},
    {"JSON", AddJson},
    {"Arrays", AddArray},
    {"Casts", AddCasts},
};

}  // namespace streamrun
