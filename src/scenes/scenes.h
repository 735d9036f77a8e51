/* The scenes: a folder each. app/catalog.c lists them. */
#ifndef ATTNSCOPE_SCENES_SCENES_H
#define ATTNSCOPE_SCENES_SCENES_H

#include "session/scene.h"

extern const Scene MATRIX, GRID, PROBABILITIES;
/* Set whichever scene is shown: options of the grid are said before it is. */
extern const Property GRID_PROPERTIES[];

#endif
