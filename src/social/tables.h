/* Owns the order of the columns of the tables of relations and comments. */
#ifndef REELS_SRC_SOCIAL_TABLES_H
#define REELS_SRC_SOCIAL_TABLES_H

#include <reels/social.h>

enum {
    REELS__RELATION_FROM_ID,
    REELS__RELATION_KIND,
    REELS__RELATION_TO_ID,
    REELS__RELATION_SINCE,
    REELS__RELATION_COLUMNS
};

enum {
    REELS__COMMENT_REEL_ID,
    REELS__COMMENT_ID,
    REELS__COMMENT_PERSON_ID,
    REELS__COMMENT_CREATED_AT,
    REELS__COMMENT_TEXT,
    REELS__COMMENT_TOKEN, /* the client's, by which a repeated request finds its comment; or NULL */
    REELS__COMMENT_COLUMNS
};

const reels_table *reels__relation_table(void);
const reels_table *reels__comment_table(void);

struct reels_social {
    reels_ctx *ctx;
    reels_catalog *catalog;
    reels_id_generator *ids;
    reels_reel_store *reels;
};

#endif
