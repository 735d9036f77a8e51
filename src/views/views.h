/* views: ways of drawing a capture. A view turns (state, frame) into a display list, and says which tiles it wants.
 * It never asks for the window's size: everything is drawn into a given rectangle at a given scale, so that windows,
 * pictures and recordings share it. No SDL, no App. Files of the folder include the part that they need. */
#ifndef ATTNSCOPE_VIEWS_H
#define ATTNSCOPE_VIEWS_H

#include "views/heads.h"
#include "views/matrix.h"
#include "views/tokens.h"

#endif
