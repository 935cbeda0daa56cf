package openflow

// The errors of OpenFlow 1.0 to 1.5 and of the Nicira extensions, by their original names.
const (
	ErrUnknown ErrCode = iota // a type and code that this table lacks
	OFPHFC_INCOMPATIBLE
	OFPHFC_EPERM
	OFPBRC_BAD_VERSION
	OFPBRC_BAD_TYPE
	OFPBRC_BAD_STAT
	OFPBRC_BAD_VENDOR
	OFPBRC_BAD_SUBTYPE
	OFPBRC_EPERM
	OFPBRC_BAD_LEN
	OFPBRC_BUFFER_EMPTY
	OFPBRC_BUFFER_UNKNOWN
	OFPBAC_BAD_TYPE
	OFPBAC_BAD_LEN
	OFPBAC_BAD_VENDOR
	OFPBAC_BAD_VENDOR_TYPE
	OFPBAC_BAD_OUT_PORT
	OFPBAC_BAD_ARGUMENT
	OFPBAC_EPERM
	OFPBAC_TOO_MANY
	OFPBAC_BAD_QUEUE
	OFPFMFC_TABLE_FULL
	OFPFMFC_OVERLAP
	OFPFMFC_EPERM
	OFPFMFC_BAD_EMERG_TIMEOUT
	OFPFMFC_BAD_COMMAND
	OFPFMFC_UNSUPPORTED
	OFPPMFC_BAD_PORT
	OFPPMFC_BAD_HW_ADDR
	OFPQOFC_BAD_PORT
	OFPQOFC_BAD_QUEUE
	OFPQOFC_EPERM
	OFPBMC_BAD_FIELD
	NXBRC_NXM_INVALID
	NXBRC_NXM_BAD_TYPE
	OFPBMC_BAD_VALUE
	OFPBMC_BAD_MASK
	OFPBMC_BAD_PREREQ
	OFPBMC_DUP_FIELD
	OFPBMC_BAD_WILDCARDS
	NXBMC_CT_DATAPATH_SUPPORT
	NXBAC_CT_DATAPATH_SUPPORT
	OFPBRC_BAD_TABLE_ID
	OFPRRFC_BAD_ROLE
	OFPBRC_BAD_PORT
	NXBRC_MUST_BE_ZERO
	NXBRC_BAD_REASON
	OFPMOFC_MONITOR_EXISTS
	OFPMOFC_BAD_FLAGS
	OFPMOFC_UNKNOWN_MONITOR
	NXBRC_FM_BAD_EVENT
	NXBRC_UNENCODABLE_ERROR
	OFPBAC_MATCH_INCONSISTENT
	OFPBAC_BAD_SET_TYPE
	OFPBAC_BAD_SET_LEN
	OFPBAC_BAD_SET_ARGUMENT
	NXTTMFC_BAD_COMMAND
	NXTTMFC_BAD_OPT_LEN
	NXTTMFC_BAD_FIELD_IDX
	NXTTMFC_TABLE_FULL
	NXTTMFC_ALREADY_MAPPED
	NXTTMFC_DUP_ENTRY
	NXR_NOT_SUPPORTED
	NXR_STALE
	NXST_NOT_CONFIGURED
	NXFMFC_INVALID_TLV_FIELD
	NXTTMFC_INVALID_TLV_DEL
	OFPBAC_BAD_OUT_GROUP
	NXBAC_MUST_BE_ZERO
	OFPBIC_UNSUP_INST
	NXBAC_BAD_CONJUNCTION
	OFPFMFC_BAD_FLAGS
	NXFMFC_HARDWARE
	NXFMFC_BAD_TABLE_ID
	OFPGMFC_GROUP_EXISTS
	OFPGMFC_INVALID_GROUP
	OFPGMFC_WEIGHT_UNSUPPORTED
	OFPGMFC_OUT_OF_GROUPS
	OFPGMFC_OUT_OF_BUCKETS
	OFPGMFC_CHAINING_UNSUPPORTED
	OFPGMFC_WATCH_UNSUPPORTED
	OFPGMFC_LOOP
	OFPGMFC_UNKNOWN_GROUP
	OFPGMFC_CHAINED_GROUP
	OFPGMFC_BAD_TYPE
	OFPGMFC_BAD_COMMAND
	OFPGMFC_BAD_BUCKET
	OFPGMFC_BAD_WATCH
	OFPGMFC_EPERM
	OFPGMFC_UNKNOWN_BUCKET
	OFPGMFC_BUCKET_EXISTS
	OFPBAC_UNSUPPORTED_ORDER
	OFPBAC_BAD_TAG
	OFPBIC_UNKNOWN_INST
	OFPBIC_BAD_TABLE_ID
	OFPBIC_UNSUP_METADATA
	OFPBIC_UNSUP_METADATA_MASK
	OFPBIC_BAD_EXPERIMENTER
	OFPBMC_BAD_TYPE
	OFPBMC_BAD_LEN
	OFPBMC_BAD_TAG
	OFPBMC_BAD_DL_ADDR_MASK
	OFPBMC_BAD_NW_ADDR_MASK
	OFPFMFC_UNKNOWN
	OFPFMFC_BAD_TABLE_ID
	OFPFMFC_BAD_TIMEOUT
	OFPPMFC_BAD_CONFIG
	OFPPMFC_BAD_ADVERTISE
	OFPTMFC_BAD_TABLE
	OFPTMFC_BAD_CONFIG
	OFPSCFC_BAD_FLAGS
	OFPSCFC_BAD_LEN
	OFPBIC_DUP_INST
	OFPBRC_IS_SECONDARY
	OFPBRC_BAD_PACKET
	OFPBIC_BAD_EXP_TYPE
	OFPBIC_BAD_LEN
	OFPBIC_EPERM
	OFPBMC_EPERM
	OFPPMFC_EPERM
	OFPTMFC_EPERM
	OFPSCFC_EPERM
	OFPRRFC_STALE
	OFPRRFC_UNSUP
	OFPBPC_BAD_TYPE
	OFPBPC_BAD_LEN
	OFPBPC_BAD_VALUE
	OFPBPC_TOO_MANY
	OFPBPC_DUP_TYPE
	OFPBPC_BAD_EXPERIMENTER
	OFPBPC_BAD_EXP_TYPE
	OFPBPC_BAD_EXP_VALUE
	OFPBPC_EPERM
	OFPBRC_MULTIPART_BUFFER_OVERFLOW
	OFPMMFC_UNKNOWN
	OFPMMFC_METER_EXISTS
	OFPMMFC_INVALID_METER
	OFPMMFC_UNKNOWN_METER
	OFPMMFC_BAD_COMMAND
	OFPMMFC_BAD_FLAGS
	OFPMMFC_BAD_RATE
	OFPMMFC_BAD_BURST
	OFPMMFC_BAD_BAND
	OFPMMFC_BAD_BAND_VALUE
	OFPMMFC_OUT_OF_METERS
	OFPMMFC_OUT_OF_BANDS
	OFPTFFC_BAD_TABLE
	OFPTFFC_BAD_METADATA
	OFPTFFC_EPERM
	OFPBFC_UNKNOWN
	OFPBFC_EPERM
	OFPBFC_BAD_ID
	OFPBFC_BUNDLE_EXIST
	OFPBFC_BUNDLE_CLOSED
	OFPBFC_OUT_OF_BUNDLES
	OFPBFC_BAD_TYPE
	OFPBFC_BAD_FLAGS
	OFPBFC_MSG_BAD_LEN
	OFPBFC_MSG_BAD_XID
	OFPBFC_MSG_UNSUP
	OFPBFC_MSG_CONFLICT
	OFPBFC_MSG_TOO_MANY
	OFPBFC_MSG_FAILED
	OFPBFC_TIMEOUT
	OFPBFC_BUNDLE_IN_PROGRESS
	NXBAC_BAD_HEADER_TYPE
	NXBAC_UNKNOWN_ED_PROP
	NXBAC_BAD_ED_PROP
	NXTFFC_DUP_TABLE
	OFPBRC_MULTIPART_REQUEST_TIMEOUT
	OFPBRC_MULTIPART_REPLY_TIMEOUT
	OFPFMFC_CANT_SYNC
	OFPFMFC_BAD_PRIORITY
	OFPFMFC_IS_SYNC
	OFPACFC_INVALID
	OFPACFC_UNSUPPORTED
	OFPACFC_EPERM
	OFPMOFC_UNKNOWN
	OFPMOFC_INVALID_MONITOR
	OFPMOFC_BAD_COMMAND
	OFPMOFC_BAD_TABLE_ID
	OFPMOFC_BAD_OUT
	OFPBFC_BAD_VERSION
	NXQOFC_QUEUE_ERROR
	OFPBRC_MULTIPART_BAD_SCHED
	OFPBRC_PIPELINE_FIELDS_ONLY
	OFPBRC_UNKNOWN
	OFPBAC_BAD_SET_MASK
	OFPBAC_BAD_METER
	OFPRRFC_ID_UNSUP
	OFPRRFC_ID_IN_USE
	OFPTFFC_BAD_CAPA
	OFPTFFC_BAD_MAX_ENT
	OFPTFFC_BAD_FEATURES
	OFPTFFC_BAD_COMMAND
	OFPTFFC_TOO_MANY
	OFPBFC_SCHED_NOT_SUPPORTED
	OFPBFC_SCHED_FUTURE
	OFPBFC_SCHED_PAST

	numErrCodes
)

// errTable holds the wire form of each code per version, 1.0 first. The zero vendor is a standard error; with vendor 0x2320
// in 1.0 and 1.1, typ is the inner type. A code whose typ and code are both none has no form in that version.
var errTable = [numErrCodes]errLine{
	OFPHFC_INCOMPATIBLE:              {"OFPHFC_INCOMPATIBLE", [6]errWire{{std, 0, 0}, {std, 0, 0}, {std, 0, 0}, {std, 0, 0}, {std, 0, 0}, {std, 0, 0}}},
	OFPHFC_EPERM:                     {"OFPHFC_EPERM", [6]errWire{{std, 0, 1}, {std, 0, 1}, {std, 0, 1}, {std, 0, 1}, {std, 0, 1}, {std, 0, 1}}},
	OFPBRC_BAD_VERSION:               {"OFPBRC_BAD_VERSION", [6]errWire{{std, 1, 0}, {std, 1, 0}, {std, 1, 0}, {std, 1, 0}, {std, 1, 0}, {std, 1, 0}}},
	OFPBRC_BAD_TYPE:                  {"OFPBRC_BAD_TYPE", [6]errWire{{std, 1, 1}, {std, 1, 1}, {std, 1, 1}, {std, 1, 1}, {std, 1, 1}, {std, 1, 1}}},
	OFPBRC_BAD_STAT:                  {"OFPBRC_BAD_STAT", [6]errWire{{std, 1, 2}, {std, 1, 2}, {std, 1, 2}, {std, 1, 2}, {std, 1, 2}, {std, 1, 2}}},
	OFPBRC_BAD_VENDOR:                {"OFPBRC_BAD_VENDOR", [6]errWire{{std, 1, 3}, {std, 1, 3}, {std, 1, 3}, {std, 1, 3}, {std, 1, 3}, {std, 1, 3}}},
	OFPBRC_BAD_SUBTYPE:               {"OFPBRC_BAD_SUBTYPE", [6]errWire{{std, 1, 4}, {std, 1, 4}, {std, 1, 4}, {std, 1, 4}, {std, 1, 4}, {std, 1, 4}}},
	OFPBRC_EPERM:                     {"OFPBRC_EPERM", [6]errWire{{std, 1, 5}, {std, 1, 5}, {std, 1, 5}, {std, 1, 5}, {std, 1, 5}, {std, 1, 5}}},
	OFPBRC_BAD_LEN:                   {"OFPBRC_BAD_LEN", [6]errWire{{std, 1, 6}, {std, 1, 6}, {std, 1, 6}, {std, 1, 6}, {std, 1, 6}, {std, 1, 6}}},
	OFPBRC_BUFFER_EMPTY:              {"OFPBRC_BUFFER_EMPTY", [6]errWire{{std, 1, 7}, {std, 1, 7}, {std, 1, 7}, {std, 1, 7}, {std, 1, 7}, {std, 1, 7}}},
	OFPBRC_BUFFER_UNKNOWN:            {"OFPBRC_BUFFER_UNKNOWN", [6]errWire{{std, 1, 8}, {std, 1, 8}, {std, 1, 8}, {std, 1, 8}, {std, 1, 8}, {std, 1, 8}}},
	OFPBAC_BAD_TYPE:                  {"OFPBAC_BAD_TYPE", [6]errWire{{std, 2, 0}, {std, 2, 0}, {std, 2, 0}, {std, 2, 0}, {std, 2, 0}, {std, 2, 0}}},
	OFPBAC_BAD_LEN:                   {"OFPBAC_BAD_LEN", [6]errWire{{std, 2, 1}, {std, 2, 1}, {std, 2, 1}, {std, 2, 1}, {std, 2, 1}, {std, 2, 1}}},
	OFPBAC_BAD_VENDOR:                {"OFPBAC_BAD_VENDOR", [6]errWire{{std, 2, 2}, {std, 2, 2}, {std, 2, 2}, {std, 2, 2}, {std, 2, 2}, {std, 2, 2}}},
	OFPBAC_BAD_VENDOR_TYPE:           {"OFPBAC_BAD_VENDOR_TYPE", [6]errWire{{std, 2, 3}, {std, 2, 3}, {std, 2, 3}, {std, 2, 3}, {std, 2, 3}, {std, 2, 3}}},
	OFPBAC_BAD_OUT_PORT:              {"OFPBAC_BAD_OUT_PORT", [6]errWire{{std, 2, 4}, {std, 2, 4}, {std, 2, 4}, {std, 2, 4}, {std, 2, 4}, {std, 2, 4}}},
	OFPBAC_BAD_ARGUMENT:              {"OFPBAC_BAD_ARGUMENT", [6]errWire{{std, 2, 5}, {std, 2, 5}, {std, 2, 5}, {std, 2, 5}, {std, 2, 5}, {std, 2, 5}}},
	OFPBAC_EPERM:                     {"OFPBAC_EPERM", [6]errWire{{std, 2, 6}, {std, 2, 6}, {std, 2, 6}, {std, 2, 6}, {std, 2, 6}, {std, 2, 6}}},
	OFPBAC_TOO_MANY:                  {"OFPBAC_TOO_MANY", [6]errWire{{std, 2, 7}, {std, 2, 7}, {std, 2, 7}, {std, 2, 7}, {std, 2, 7}, {std, 2, 7}}},
	OFPBAC_BAD_QUEUE:                 {"OFPBAC_BAD_QUEUE", [6]errWire{{std, 2, 8}, {std, 2, 8}, {std, 2, 8}, {std, 2, 8}, {std, 2, 8}, {std, 2, 8}}},
	OFPFMFC_TABLE_FULL:               {"OFPFMFC_TABLE_FULL", [6]errWire{{std, 3, 0}, {std, 5, 1}, {std, 5, 1}, {std, 5, 1}, {std, 5, 1}, {std, 5, 1}}},
	OFPFMFC_OVERLAP:                  {"OFPFMFC_OVERLAP", [6]errWire{{std, 3, 1}, {std, 5, 3}, {std, 5, 3}, {std, 5, 3}, {std, 5, 3}, {std, 5, 3}}},
	OFPFMFC_EPERM:                    {"OFPFMFC_EPERM", [6]errWire{{std, 3, 2}, {std, 5, 4}, {std, 5, 4}, {std, 5, 4}, {std, 5, 4}, {std, 5, 4}}},
	OFPFMFC_BAD_EMERG_TIMEOUT:        {"OFPFMFC_BAD_EMERG_TIMEOUT", [6]errWire{{std, 3, 3}, {}, {}, {}, {}, {}}},
	OFPFMFC_BAD_COMMAND:              {"OFPFMFC_BAD_COMMAND", [6]errWire{{std, 3, 4}, {std, 5, 6}, {std, 5, 6}, {std, 5, 6}, {std, 5, 6}, {std, 5, 6}}},
	OFPFMFC_UNSUPPORTED:              {"OFPFMFC_UNSUPPORTED", [6]errWire{{std, 3, 5}, {}, {}, {}, {}, {}}},
	OFPPMFC_BAD_PORT:                 {"OFPPMFC_BAD_PORT", [6]errWire{{std, 4, 0}, {std, 7, 0}, {std, 7, 0}, {std, 7, 0}, {std, 7, 0}, {std, 7, 0}}},
	OFPPMFC_BAD_HW_ADDR:              {"OFPPMFC_BAD_HW_ADDR", [6]errWire{{std, 4, 1}, {std, 7, 1}, {std, 7, 1}, {std, 7, 1}, {std, 7, 1}, {std, 7, 1}}},
	OFPQOFC_BAD_PORT:                 {"OFPQOFC_BAD_PORT", [6]errWire{{std, 5, 0}, {std, 9, 0}, {std, 9, 0}, {std, 9, 0}, {std, 9, 0}, {std, 9, 0}}},
	OFPQOFC_BAD_QUEUE:                {"OFPQOFC_BAD_QUEUE", [6]errWire{{std, 5, 1}, {std, 9, 1}, {std, 9, 1}, {std, 9, 1}, {std, 9, 1}, {std, 9, 1}}},
	OFPQOFC_EPERM:                    {"OFPQOFC_EPERM", [6]errWire{{std, 5, 2}, {std, 9, 2}, {std, 9, 2}, {std, 9, 2}, {std, 9, 2}, {std, 9, 2}}},
	OFPBMC_BAD_FIELD:                 {"OFPBMC_BAD_FIELD", [6]errWire{{nx, 0, 263}, {std, 4, 6}, {std, 4, 6}, {std, 4, 6}, {std, 4, 6}, {std, 4, 6}}},
	NXBRC_NXM_INVALID:                {"NXBRC_NXM_INVALID", [6]errWire{{nx, 1, 256}, {nx, 1, 256}, {nx, expErr, 2}, {nx, expErr, 2}, {nx, expErr, 2}, {nx, expErr, 2}}},
	NXBRC_NXM_BAD_TYPE:               {"NXBRC_NXM_BAD_TYPE", [6]errWire{{nx, 1, 257}, {nx, 1, 257}, {nx, expErr, 3}, {nx, expErr, 3}, {nx, expErr, 3}, {nx, expErr, 3}}},
	OFPBMC_BAD_VALUE:                 {"OFPBMC_BAD_VALUE", [6]errWire{{nx, 1, 258}, {std, 4, 7}, {std, 4, 7}, {std, 4, 7}, {std, 4, 7}, {std, 4, 7}}},
	OFPBMC_BAD_MASK:                  {"OFPBMC_BAD_MASK", [6]errWire{{nx, 1, 259}, {nx, 1, 259}, {std, 4, 8}, {std, 4, 8}, {std, 4, 8}, {std, 4, 8}}},
	OFPBMC_BAD_PREREQ:                {"OFPBMC_BAD_PREREQ", [6]errWire{{nx, 1, 260}, {nx, 1, 260}, {std, 4, 9}, {std, 4, 9}, {std, 4, 9}, {std, 4, 9}}},
	OFPBMC_DUP_FIELD:                 {"OFPBMC_DUP_FIELD", [6]errWire{{nx, 1, 261}, {nx, 1, 261}, {std, 4, 10}, {std, 4, 10}, {std, 4, 10}, {std, 4, 10}}},
	OFPBMC_BAD_WILDCARDS:             {"OFPBMC_BAD_WILDCARDS", [6]errWire{{nx, 1, 262}, {std, 4, 5}, {std, 4, 5}, {std, 4, 5}, {std, 4, 5}, {std, 4, 5}}},
	NXBMC_CT_DATAPATH_SUPPORT:        {"NXBMC_CT_DATAPATH_SUPPORT", [6]errWire{{nx, 1, 264}, {nx, 1, 264}, {nx, expErr, 43}, {nx, expErr, 43}, {nx, expErr, 43}, {nx, expErr, 43}}},
	NXBAC_CT_DATAPATH_SUPPORT:        {"NXBAC_CT_DATAPATH_SUPPORT", [6]errWire{{nx, 1, 265}, {nx, 1, 265}, {nx, expErr, 42}, {nx, expErr, 42}, {nx, expErr, 42}, {nx, expErr, 42}}},
	OFPBRC_BAD_TABLE_ID:              {"OFPBRC_BAD_TABLE_ID", [6]errWire{{nx, 1, 512}, {std, 1, 9}, {std, 1, 9}, {std, 1, 9}, {std, 1, 9}, {std, 1, 9}}},
	OFPRRFC_BAD_ROLE:                 {"OFPRRFC_BAD_ROLE", [6]errWire{{nx, 1, 513}, {nx, 1, 513}, {std, 11, 2}, {std, 11, 2}, {std, 11, 2}, {std, 11, 2}}},
	OFPBRC_BAD_PORT:                  {"OFPBRC_BAD_PORT", [6]errWire{{nx, 1, 514}, {nx, 1, 514}, {std, 1, 11}, {std, 1, 11}, {std, 1, 11}, {std, 1, 11}}},
	NXBRC_MUST_BE_ZERO:               {"NXBRC_MUST_BE_ZERO", [6]errWire{{nx, 1, 515}, {nx, 1, 515}, {nx, expErr, 4}, {nx, expErr, 4}, {nx, expErr, 4}, {nx, expErr, 4}}},
	NXBRC_BAD_REASON:                 {"NXBRC_BAD_REASON", [6]errWire{{nx, 1, 516}, {nx, 1, 516}, {nx, expErr, 5}, {nx, expErr, 5}, {nx, expErr, 5}, {nx, expErr, 5}}},
	OFPMOFC_MONITOR_EXISTS:           {"OFPMOFC_MONITOR_EXISTS", [6]errWire{{nx, 1, 517}, {nx, 1, 517}, {nx, expErr, 6}, {nx, expErr, 6}, {std, 16, 1}, {std, 16, 1}}},
	OFPMOFC_BAD_FLAGS:                {"OFPMOFC_BAD_FLAGS", [6]errWire{{nx, 1, 518}, {nx, 1, 518}, {nx, expErr, 7}, {nx, expErr, 7}, {std, 16, 5}, {std, 16, 5}}},
	OFPMOFC_UNKNOWN_MONITOR:          {"OFPMOFC_UNKNOWN_MONITOR", [6]errWire{{nx, 1, 519}, {nx, 1, 519}, {nx, expErr, 8}, {nx, expErr, 8}, {std, 16, 3}, {std, 16, 3}}},
	NXBRC_FM_BAD_EVENT:               {"NXBRC_FM_BAD_EVENT", [6]errWire{{nx, 1, 520}, {nx, 1, 520}, {nx, expErr, 9}, {nx, expErr, 9}, {nx, expErr, 9}, {nx, expErr, 9}}},
	NXBRC_UNENCODABLE_ERROR:          {"NXBRC_UNENCODABLE_ERROR", [6]errWire{{nx, 1, 521}, {nx, 1, 521}, {nx, expErr, 10}, {nx, expErr, 10}, {nx, expErr, 10}, {nx, expErr, 10}}},
	OFPBAC_MATCH_INCONSISTENT:        {"OFPBAC_MATCH_INCONSISTENT", [6]errWire{{nx, 1, 522}, {std, 2, 10}, {std, 2, 10}, {std, 2, 10}, {std, 2, 10}, {std, 2, 10}}},
	OFPBAC_BAD_SET_TYPE:              {"OFPBAC_BAD_SET_TYPE", [6]errWire{{nx, 1, 523}, {nx, 1, 523}, {std, 2, 13}, {std, 2, 13}, {std, 2, 13}, {std, 2, 13}}},
	OFPBAC_BAD_SET_LEN:               {"OFPBAC_BAD_SET_LEN", [6]errWire{{nx, 1, 524}, {nx, 1, 524}, {std, 2, 14}, {std, 2, 14}, {std, 2, 14}, {std, 2, 14}}},
	OFPBAC_BAD_SET_ARGUMENT:          {"OFPBAC_BAD_SET_ARGUMENT", [6]errWire{{nx, 1, 525}, {nx, 1, 525}, {std, 2, 15}, {std, 2, 15}, {std, 2, 15}, {std, 2, 15}}},
	NXTTMFC_BAD_COMMAND:              {"NXTTMFC_BAD_COMMAND", [6]errWire{{nx, 1, 527}, {nx, 1, 527}, {nx, expErr, 16}, {nx, expErr, 16}, {nx, expErr, 16}, {nx, expErr, 16}}},
	NXTTMFC_BAD_OPT_LEN:              {"NXTTMFC_BAD_OPT_LEN", [6]errWire{{nx, 1, 528}, {nx, 1, 528}, {nx, expErr, 17}, {nx, expErr, 17}, {nx, expErr, 17}, {nx, expErr, 17}}},
	NXTTMFC_BAD_FIELD_IDX:            {"NXTTMFC_BAD_FIELD_IDX", [6]errWire{{nx, 1, 529}, {nx, 1, 529}, {nx, expErr, 18}, {nx, expErr, 18}, {nx, expErr, 18}, {nx, expErr, 18}}},
	NXTTMFC_TABLE_FULL:               {"NXTTMFC_TABLE_FULL", [6]errWire{{nx, 1, 530}, {nx, 1, 530}, {nx, expErr, 19}, {nx, expErr, 19}, {nx, expErr, 19}, {nx, expErr, 19}}},
	NXTTMFC_ALREADY_MAPPED:           {"NXTTMFC_ALREADY_MAPPED", [6]errWire{{nx, 1, 531}, {nx, 1, 531}, {nx, expErr, 20}, {nx, expErr, 20}, {nx, expErr, 20}, {nx, expErr, 20}}},
	NXTTMFC_DUP_ENTRY:                {"NXTTMFC_DUP_ENTRY", [6]errWire{{nx, 1, 532}, {nx, 1, 532}, {nx, expErr, 21}, {nx, expErr, 21}, {nx, expErr, 21}, {nx, expErr, 21}}},
	NXR_NOT_SUPPORTED:                {"NXR_NOT_SUPPORTED", [6]errWire{{nx, 1, 533}, {nx, 1, 533}, {nx, expErr, 34}, {nx, expErr, 34}, {nx, expErr, 34}, {nx, expErr, 34}}},
	NXR_STALE:                        {"NXR_STALE", [6]errWire{{nx, 1, 534}, {nx, 1, 534}, {nx, expErr, 35}, {nx, expErr, 35}, {nx, expErr, 35}, {nx, expErr, 35}}},
	NXST_NOT_CONFIGURED:              {"NXST_NOT_CONFIGURED", [6]errWire{{nx, 1, 535}, {nx, 1, 535}, {nx, expErr, 36}, {nx, expErr, 36}, {nx, expErr, 36}, {nx, expErr, 36}}},
	NXFMFC_INVALID_TLV_FIELD:         {"NXFMFC_INVALID_TLV_FIELD", [6]errWire{{nx, 1, 536}, {nx, 1, 536}, {nx, expErr, 37}, {nx, expErr, 37}, {nx, expErr, 37}, {nx, expErr, 37}}},
	NXTTMFC_INVALID_TLV_DEL:          {"NXTTMFC_INVALID_TLV_DEL", [6]errWire{{nx, 1, 537}, {nx, 1, 537}, {nx, expErr, 38}, {nx, expErr, 38}, {nx, expErr, 38}, {nx, expErr, 38}}},
	OFPBAC_BAD_OUT_GROUP:             {"OFPBAC_BAD_OUT_GROUP", [6]errWire{{nx, 2, 9}, {std, 2, 9}, {std, 2, 9}, {std, 2, 9}, {std, 2, 9}, {std, 2, 9}}},
	NXBAC_MUST_BE_ZERO:               {"NXBAC_MUST_BE_ZERO", [6]errWire{{nx, 2, 256}, {nx, 2, 256}, {nx, expErr, 11}, {nx, expErr, 11}, {nx, expErr, 11}, {nx, expErr, 11}}},
	OFPBIC_UNSUP_INST:                {"OFPBIC_UNSUP_INST", [6]errWire{{nx, 2, 257}, {std, 3, 1}, {std, 3, 1}, {std, 3, 1}, {std, 3, 1}, {std, 3, 1}}},
	NXBAC_BAD_CONJUNCTION:            {"NXBAC_BAD_CONJUNCTION", [6]errWire{{nx, 2, 526}, {nx, 2, 526}, {nx, expErr, 15}, {nx, expErr, 15}, {nx, expErr, 15}, {nx, expErr, 15}}},
	OFPFMFC_BAD_FLAGS:                {"OFPFMFC_BAD_FLAGS", [6]errWire{{nx, 3, 258}, {nx, 5, 258}, {std, 5, 7}, {std, 5, 7}, {std, 5, 7}, {std, 5, 7}}},
	NXFMFC_HARDWARE:                  {"NXFMFC_HARDWARE", [6]errWire{{nx, 5, 256}, {nx, 5, 256}, {nx, expErr, 12}, {nx, expErr, 12}, {nx, expErr, 12}, {nx, expErr, 12}}},
	NXFMFC_BAD_TABLE_ID:              {"NXFMFC_BAD_TABLE_ID", [6]errWire{{nx, 5, 257}, {nx, 5, 257}, {nx, expErr, 13}, {nx, expErr, 13}, {nx, expErr, 13}, {nx, expErr, 13}}},
	OFPGMFC_GROUP_EXISTS:             {"OFPGMFC_GROUP_EXISTS", [6]errWire{{nx, 6, 0}, {std, 6, 0}, {std, 6, 0}, {std, 6, 0}, {std, 6, 0}, {std, 6, 0}}},
	OFPGMFC_INVALID_GROUP:            {"OFPGMFC_INVALID_GROUP", [6]errWire{{nx, 6, 1}, {std, 6, 1}, {std, 6, 1}, {std, 6, 1}, {std, 6, 1}, {std, 6, 1}}},
	OFPGMFC_WEIGHT_UNSUPPORTED:       {"OFPGMFC_WEIGHT_UNSUPPORTED", [6]errWire{{nx, 6, 2}, {std, 6, 2}, {std, 6, 2}, {std, 6, 2}, {std, 6, 2}, {std, 6, 2}}},
	OFPGMFC_OUT_OF_GROUPS:            {"OFPGMFC_OUT_OF_GROUPS", [6]errWire{{nx, 6, 3}, {std, 6, 3}, {std, 6, 3}, {std, 6, 3}, {std, 6, 3}, {std, 6, 3}}},
	OFPGMFC_OUT_OF_BUCKETS:           {"OFPGMFC_OUT_OF_BUCKETS", [6]errWire{{nx, 6, 4}, {std, 6, 4}, {std, 6, 4}, {std, 6, 4}, {std, 6, 4}, {std, 6, 4}}},
	OFPGMFC_CHAINING_UNSUPPORTED:     {"OFPGMFC_CHAINING_UNSUPPORTED", [6]errWire{{nx, 6, 5}, {std, 6, 5}, {std, 6, 5}, {std, 6, 5}, {std, 6, 5}, {std, 6, 5}}},
	OFPGMFC_WATCH_UNSUPPORTED:        {"OFPGMFC_WATCH_UNSUPPORTED", [6]errWire{{nx, 6, 6}, {std, 6, 6}, {std, 6, 6}, {std, 6, 6}, {std, 6, 6}, {std, 6, 6}}},
	OFPGMFC_LOOP:                     {"OFPGMFC_LOOP", [6]errWire{{nx, 6, 7}, {std, 6, 7}, {std, 6, 7}, {std, 6, 7}, {std, 6, 7}, {std, 6, 7}}},
	OFPGMFC_UNKNOWN_GROUP:            {"OFPGMFC_UNKNOWN_GROUP", [6]errWire{{nx, 6, 8}, {std, 6, 8}, {std, 6, 8}, {std, 6, 8}, {std, 6, 8}, {std, 6, 8}}},
	OFPGMFC_CHAINED_GROUP:            {"OFPGMFC_CHAINED_GROUP", [6]errWire{{nx, 6, 9}, {}, {std, 6, 9}, {std, 6, 9}, {std, 6, 9}, {std, 6, 9}}},
	OFPGMFC_BAD_TYPE:                 {"OFPGMFC_BAD_TYPE", [6]errWire{{nx, 6, 10}, {}, {std, 6, 10}, {std, 6, 10}, {std, 6, 10}, {std, 6, 10}}},
	OFPGMFC_BAD_COMMAND:              {"OFPGMFC_BAD_COMMAND", [6]errWire{{nx, 6, 11}, {}, {std, 6, 11}, {std, 6, 11}, {std, 6, 11}, {std, 6, 11}}},
	OFPGMFC_BAD_BUCKET:               {"OFPGMFC_BAD_BUCKET", [6]errWire{{nx, 6, 12}, {}, {std, 6, 12}, {std, 6, 12}, {std, 6, 12}, {std, 6, 12}}},
	OFPGMFC_BAD_WATCH:                {"OFPGMFC_BAD_WATCH", [6]errWire{{nx, 6, 13}, {}, {std, 6, 13}, {std, 6, 13}, {std, 6, 13}, {std, 6, 13}}},
	OFPGMFC_EPERM:                    {"OFPGMFC_EPERM", [6]errWire{{nx, 6, 14}, {}, {std, 6, 14}, {std, 6, 14}, {std, 6, 14}, {std, 6, 14}}},
	OFPGMFC_UNKNOWN_BUCKET:           {"OFPGMFC_UNKNOWN_BUCKET", [6]errWire{{nx, 6, 15}, {}, {}, {}, {}, {std, 6, 15}}},
	OFPGMFC_BUCKET_EXISTS:            {"OFPGMFC_BUCKET_EXISTS", [6]errWire{{nx, 6, 16}, {}, {}, {}, {}, {std, 6, 16}}},
	OFPBAC_UNSUPPORTED_ORDER:         {"OFPBAC_UNSUPPORTED_ORDER", [6]errWire{{}, {std, 2, 11}, {std, 2, 11}, {std, 2, 11}, {std, 2, 11}, {std, 2, 11}}},
	OFPBAC_BAD_TAG:                   {"OFPBAC_BAD_TAG", [6]errWire{{}, {std, 2, 12}, {std, 2, 12}, {std, 2, 12}, {std, 2, 12}, {std, 2, 12}}},
	OFPBIC_UNKNOWN_INST:              {"OFPBIC_UNKNOWN_INST", [6]errWire{{}, {std, 3, 0}, {std, 3, 0}, {std, 3, 0}, {std, 3, 0}, {std, 3, 0}}},
	OFPBIC_BAD_TABLE_ID:              {"OFPBIC_BAD_TABLE_ID", [6]errWire{{}, {std, 3, 2}, {std, 3, 2}, {std, 3, 2}, {std, 3, 2}, {std, 3, 2}}},
	OFPBIC_UNSUP_METADATA:            {"OFPBIC_UNSUP_METADATA", [6]errWire{{}, {std, 3, 3}, {std, 3, 3}, {std, 3, 3}, {std, 3, 3}, {std, 3, 3}}},
	OFPBIC_UNSUP_METADATA_MASK:       {"OFPBIC_UNSUP_METADATA_MASK", [6]errWire{{}, {std, 3, 4}, {std, 3, 4}, {std, 3, 4}, {std, 3, 4}, {std, 3, 4}}},
	OFPBIC_BAD_EXPERIMENTER:          {"OFPBIC_BAD_EXPERIMENTER", [6]errWire{{}, {std, 3, 5}, {std, 3, 5}, {std, 3, 5}, {std, 3, 5}, {std, 3, 5}}},
	OFPBMC_BAD_TYPE:                  {"OFPBMC_BAD_TYPE", [6]errWire{{}, {std, 4, 0}, {std, 4, 0}, {std, 4, 0}, {std, 4, 0}, {std, 4, 0}}},
	OFPBMC_BAD_LEN:                   {"OFPBMC_BAD_LEN", [6]errWire{{}, {std, 4, 1}, {std, 4, 1}, {std, 4, 1}, {std, 4, 1}, {std, 4, 1}}},
	OFPBMC_BAD_TAG:                   {"OFPBMC_BAD_TAG", [6]errWire{{}, {std, 4, 2}, {std, 4, 2}, {std, 4, 2}, {std, 4, 2}, {std, 4, 2}}},
	OFPBMC_BAD_DL_ADDR_MASK:          {"OFPBMC_BAD_DL_ADDR_MASK", [6]errWire{{}, {std, 4, 3}, {std, 4, 3}, {std, 4, 3}, {std, 4, 3}, {std, 4, 3}}},
	OFPBMC_BAD_NW_ADDR_MASK:          {"OFPBMC_BAD_NW_ADDR_MASK", [6]errWire{{}, {std, 4, 4}, {std, 4, 4}, {std, 4, 4}, {std, 4, 4}, {std, 4, 4}}},
	OFPFMFC_UNKNOWN:                  {"OFPFMFC_UNKNOWN", [6]errWire{{}, {std, 5, 0}, {std, 5, 0}, {std, 5, 0}, {std, 5, 0}, {std, 5, 0}}},
	OFPFMFC_BAD_TABLE_ID:             {"OFPFMFC_BAD_TABLE_ID", [6]errWire{{}, {std, 5, 2}, {std, 5, 2}, {std, 5, 2}, {std, 5, 2}, {std, 5, 2}}},
	OFPFMFC_BAD_TIMEOUT:              {"OFPFMFC_BAD_TIMEOUT", [6]errWire{{}, {std, 5, 5}, {std, 5, 5}, {std, 5, 5}, {std, 5, 5}, {std, 5, 5}}},
	OFPPMFC_BAD_CONFIG:               {"OFPPMFC_BAD_CONFIG", [6]errWire{{}, {std, 7, 2}, {std, 7, 2}, {std, 7, 2}, {std, 7, 2}, {std, 7, 2}}},
	OFPPMFC_BAD_ADVERTISE:            {"OFPPMFC_BAD_ADVERTISE", [6]errWire{{}, {std, 7, 3}, {std, 7, 3}, {std, 7, 3}, {std, 7, 3}, {std, 7, 3}}},
	OFPTMFC_BAD_TABLE:                {"OFPTMFC_BAD_TABLE", [6]errWire{{}, {std, 8, 0}, {std, 8, 0}, {std, 8, 0}, {std, 8, 0}, {std, 8, 0}}},
	OFPTMFC_BAD_CONFIG:               {"OFPTMFC_BAD_CONFIG", [6]errWire{{}, {std, 8, 1}, {std, 8, 1}, {std, 8, 1}, {std, 8, 1}, {std, 8, 1}}},
	OFPSCFC_BAD_FLAGS:                {"OFPSCFC_BAD_FLAGS", [6]errWire{{}, {std, 10, 0}, {std, 10, 0}, {std, 10, 0}, {std, 10, 0}, {std, 10, 0}}},
	OFPSCFC_BAD_LEN:                  {"OFPSCFC_BAD_LEN", [6]errWire{{}, {std, 10, 1}, {std, 10, 1}, {std, 10, 1}, {std, 10, 1}, {std, 10, 1}}},
	OFPBIC_DUP_INST:                  {"OFPBIC_DUP_INST", [6]errWire{{}, {nx, 3, 256}, {}, {}, {std, 3, 9}, {std, 3, 9}}},
	OFPBRC_IS_SECONDARY:              {"OFPBRC_IS_SECONDARY", [6]errWire{{}, {}, {std, 1, 10}, {std, 1, 10}, {std, 1, 10}, {std, 1, 10}}},
	OFPBRC_BAD_PACKET:                {"OFPBRC_BAD_PACKET", [6]errWire{{}, {}, {std, 1, 12}, {std, 1, 12}, {std, 1, 12}, {std, 1, 12}}},
	OFPBIC_BAD_EXP_TYPE:              {"OFPBIC_BAD_EXP_TYPE", [6]errWire{{}, {}, {std, 3, 6}, {std, 3, 6}, {std, 3, 6}, {std, 3, 6}}},
	OFPBIC_BAD_LEN:                   {"OFPBIC_BAD_LEN", [6]errWire{{}, {}, {std, 3, 7}, {std, 3, 7}, {std, 3, 7}, {std, 3, 7}}},
	OFPBIC_EPERM:                     {"OFPBIC_EPERM", [6]errWire{{}, {}, {std, 3, 8}, {std, 3, 8}, {std, 3, 8}, {std, 3, 8}}},
	OFPBMC_EPERM:                     {"OFPBMC_EPERM", [6]errWire{{}, {}, {std, 4, 11}, {std, 4, 11}, {std, 4, 11}, {std, 4, 11}}},
	OFPPMFC_EPERM:                    {"OFPPMFC_EPERM", [6]errWire{{}, {}, {std, 7, 4}, {std, 7, 4}, {std, 7, 4}, {std, 7, 4}}},
	OFPTMFC_EPERM:                    {"OFPTMFC_EPERM", [6]errWire{{}, {}, {std, 8, 2}, {std, 8, 2}, {std, 8, 2}, {std, 8, 2}}},
	OFPSCFC_EPERM:                    {"OFPSCFC_EPERM", [6]errWire{{}, {}, {std, 10, 2}, {std, 10, 2}, {std, 10, 2}, {std, 10, 2}}},
	OFPRRFC_STALE:                    {"OFPRRFC_STALE", [6]errWire{{}, {}, {std, 11, 0}, {std, 11, 0}, {std, 11, 0}, {std, 11, 0}}},
	OFPRRFC_UNSUP:                    {"OFPRRFC_UNSUP", [6]errWire{{}, {}, {std, 11, 1}, {std, 11, 1}, {std, 11, 1}, {std, 11, 1}}},
	OFPBPC_BAD_TYPE:                  {"OFPBPC_BAD_TYPE", [6]errWire{{}, {}, {nx, expErr, 25}, {std, 13, 2}, {std, 14, 0}, {std, 14, 0}}},
	OFPBPC_BAD_LEN:                   {"OFPBPC_BAD_LEN", [6]errWire{{}, {}, {nx, expErr, 26}, {std, 13, 3}, {std, 14, 1}, {std, 14, 1}}},
	OFPBPC_BAD_VALUE:                 {"OFPBPC_BAD_VALUE", [6]errWire{{}, {}, {nx, expErr, 27}, {std, 13, 4}, {std, 14, 2}, {std, 14, 2}}},
	OFPBPC_TOO_MANY:                  {"OFPBPC_TOO_MANY", [6]errWire{{}, {}, {nx, expErr, 28}, {}, {std, 14, 3}, {std, 14, 3}}},
	OFPBPC_DUP_TYPE:                  {"OFPBPC_DUP_TYPE", [6]errWire{{}, {}, {nx, expErr, 29}, {}, {std, 14, 4}, {std, 14, 4}}},
	OFPBPC_BAD_EXPERIMENTER:          {"OFPBPC_BAD_EXPERIMENTER", [6]errWire{{}, {}, {nx, expErr, 30}, {}, {std, 14, 5}, {std, 14, 5}}},
	OFPBPC_BAD_EXP_TYPE:              {"OFPBPC_BAD_EXP_TYPE", [6]errWire{{}, {}, {nx, expErr, 31}, {}, {std, 14, 6}, {std, 14, 6}}},
	OFPBPC_BAD_EXP_VALUE:             {"OFPBPC_BAD_EXP_VALUE", [6]errWire{{}, {}, {nx, expErr, 32}, {}, {std, 14, 7}, {std, 14, 7}}},
	OFPBPC_EPERM:                     {"OFPBPC_EPERM", [6]errWire{{}, {}, {nx, expErr, 33}, {}, {std, 14, 8}, {std, 14, 8}}},
	OFPBRC_MULTIPART_BUFFER_OVERFLOW: {"OFPBRC_MULTIPART_BUFFER_OVERFLOW", [6]errWire{{}, {}, {}, {std, 1, 13}, {std, 1, 13}, {std, 1, 13}}},
	OFPMMFC_UNKNOWN:                  {"OFPMMFC_UNKNOWN", [6]errWire{{}, {}, {}, {std, 12, 0}, {std, 12, 0}, {std, 12, 0}}},
	OFPMMFC_METER_EXISTS:             {"OFPMMFC_METER_EXISTS", [6]errWire{{}, {}, {}, {std, 12, 1}, {std, 12, 1}, {std, 12, 1}}},
	OFPMMFC_INVALID_METER:            {"OFPMMFC_INVALID_METER", [6]errWire{{}, {}, {}, {std, 12, 2}, {std, 12, 2}, {std, 12, 2}}},
	OFPMMFC_UNKNOWN_METER:            {"OFPMMFC_UNKNOWN_METER", [6]errWire{{}, {}, {}, {std, 12, 3}, {std, 12, 3}, {std, 12, 3}}},
	OFPMMFC_BAD_COMMAND:              {"OFPMMFC_BAD_COMMAND", [6]errWire{{}, {}, {}, {std, 12, 4}, {std, 12, 4}, {std, 12, 4}}},
	OFPMMFC_BAD_FLAGS:                {"OFPMMFC_BAD_FLAGS", [6]errWire{{}, {}, {}, {std, 12, 5}, {std, 12, 5}, {std, 12, 5}}},
	OFPMMFC_BAD_RATE:                 {"OFPMMFC_BAD_RATE", [6]errWire{{}, {}, {}, {std, 12, 6}, {std, 12, 6}, {std, 12, 6}}},
	OFPMMFC_BAD_BURST:                {"OFPMMFC_BAD_BURST", [6]errWire{{}, {}, {}, {std, 12, 7}, {std, 12, 7}, {std, 12, 7}}},
	OFPMMFC_BAD_BAND:                 {"OFPMMFC_BAD_BAND", [6]errWire{{}, {}, {}, {std, 12, 8}, {std, 12, 8}, {std, 12, 8}}},
	OFPMMFC_BAD_BAND_VALUE:           {"OFPMMFC_BAD_BAND_VALUE", [6]errWire{{}, {}, {}, {std, 12, 9}, {std, 12, 9}, {std, 12, 9}}},
	OFPMMFC_OUT_OF_METERS:            {"OFPMMFC_OUT_OF_METERS", [6]errWire{{}, {}, {}, {std, 12, 10}, {std, 12, 10}, {std, 12, 10}}},
	OFPMMFC_OUT_OF_BANDS:             {"OFPMMFC_OUT_OF_BANDS", [6]errWire{{}, {}, {}, {std, 12, 11}, {std, 12, 11}, {std, 12, 11}}},
	OFPTFFC_BAD_TABLE:                {"OFPTFFC_BAD_TABLE", [6]errWire{{}, {}, {}, {std, 13, 0}, {std, 13, 0}, {std, 13, 0}}},
	OFPTFFC_BAD_METADATA:             {"OFPTFFC_BAD_METADATA", [6]errWire{{}, {}, {}, {std, 13, 1}, {std, 13, 1}, {std, 13, 1}}},
	OFPTFFC_EPERM:                    {"OFPTFFC_EPERM", [6]errWire{{}, {}, {}, {std, 13, 5}, {std, 13, 5}, {std, 13, 5}}},
	OFPBFC_UNKNOWN:                   {"OFPBFC_UNKNOWN", [6]errWire{{}, {}, {}, {onf, expErr, 2300}, {std, 17, 0}, {std, 17, 0}}},
	OFPBFC_EPERM:                     {"OFPBFC_EPERM", [6]errWire{{}, {}, {}, {onf, expErr, 2301}, {std, 17, 1}, {std, 17, 1}}},
	OFPBFC_BAD_ID:                    {"OFPBFC_BAD_ID", [6]errWire{{}, {}, {}, {onf, expErr, 2302}, {std, 17, 2}, {std, 17, 2}}},
	OFPBFC_BUNDLE_EXIST:              {"OFPBFC_BUNDLE_EXIST", [6]errWire{{}, {}, {}, {onf, expErr, 2303}, {std, 17, 3}, {std, 17, 3}}},
	OFPBFC_BUNDLE_CLOSED:             {"OFPBFC_BUNDLE_CLOSED", [6]errWire{{}, {}, {}, {onf, expErr, 2304}, {std, 17, 4}, {std, 17, 4}}},
	OFPBFC_OUT_OF_BUNDLES:            {"OFPBFC_OUT_OF_BUNDLES", [6]errWire{{}, {}, {}, {onf, expErr, 2305}, {std, 17, 5}, {std, 17, 5}}},
	OFPBFC_BAD_TYPE:                  {"OFPBFC_BAD_TYPE", [6]errWire{{}, {}, {}, {onf, expErr, 2306}, {std, 17, 6}, {std, 17, 6}}},
	OFPBFC_BAD_FLAGS:                 {"OFPBFC_BAD_FLAGS", [6]errWire{{}, {}, {}, {onf, expErr, 2307}, {std, 17, 7}, {std, 17, 7}}},
	OFPBFC_MSG_BAD_LEN:               {"OFPBFC_MSG_BAD_LEN", [6]errWire{{}, {}, {}, {onf, expErr, 2308}, {std, 17, 8}, {std, 17, 8}}},
	OFPBFC_MSG_BAD_XID:               {"OFPBFC_MSG_BAD_XID", [6]errWire{{}, {}, {}, {onf, expErr, 2309}, {std, 17, 9}, {std, 17, 9}}},
	OFPBFC_MSG_UNSUP:                 {"OFPBFC_MSG_UNSUP", [6]errWire{{}, {}, {}, {onf, expErr, 2310}, {std, 17, 10}, {std, 17, 10}}},
	OFPBFC_MSG_CONFLICT:              {"OFPBFC_MSG_CONFLICT", [6]errWire{{}, {}, {}, {onf, expErr, 2311}, {std, 17, 11}, {std, 17, 11}}},
	OFPBFC_MSG_TOO_MANY:              {"OFPBFC_MSG_TOO_MANY", [6]errWire{{}, {}, {}, {onf, expErr, 2312}, {std, 17, 12}, {std, 17, 12}}},
	OFPBFC_MSG_FAILED:                {"OFPBFC_MSG_FAILED", [6]errWire{{}, {}, {}, {onf, expErr, 2313}, {std, 17, 13}, {std, 17, 13}}},
	OFPBFC_TIMEOUT:                   {"OFPBFC_TIMEOUT", [6]errWire{{}, {}, {}, {onf, expErr, 2314}, {std, 17, 14}, {std, 17, 14}}},
	OFPBFC_BUNDLE_IN_PROGRESS:        {"OFPBFC_BUNDLE_IN_PROGRESS", [6]errWire{{}, {}, {}, {onf, expErr, 2315}, {std, 17, 15}, {std, 17, 15}}},
	NXBAC_BAD_HEADER_TYPE:            {"NXBAC_BAD_HEADER_TYPE", [6]errWire{{}, {}, {}, {nx, expErr, 39}, {nx, expErr, 39}, {nx, expErr, 39}}},
	NXBAC_UNKNOWN_ED_PROP:            {"NXBAC_UNKNOWN_ED_PROP", [6]errWire{{}, {}, {}, {nx, expErr, 40}, {nx, expErr, 40}, {nx, expErr, 40}}},
	NXBAC_BAD_ED_PROP:                {"NXBAC_BAD_ED_PROP", [6]errWire{{}, {}, {}, {nx, expErr, 41}, {nx, expErr, 41}, {nx, expErr, 41}}},
	NXTFFC_DUP_TABLE:                 {"NXTFFC_DUP_TABLE", [6]errWire{{}, {}, {}, {nx, expErr, 44}, {nx, expErr, 44}, {nx, expErr, 44}}},
	OFPBRC_MULTIPART_REQUEST_TIMEOUT: {"OFPBRC_MULTIPART_REQUEST_TIMEOUT", [6]errWire{{}, {}, {}, {}, {std, 1, 14}, {std, 1, 14}}},
	OFPBRC_MULTIPART_REPLY_TIMEOUT:   {"OFPBRC_MULTIPART_REPLY_TIMEOUT", [6]errWire{{}, {}, {}, {}, {std, 1, 15}, {std, 1, 15}}},
	OFPFMFC_CANT_SYNC:                {"OFPFMFC_CANT_SYNC", [6]errWire{{}, {}, {}, {}, {std, 5, 8}, {std, 5, 8}}},
	OFPFMFC_BAD_PRIORITY:             {"OFPFMFC_BAD_PRIORITY", [6]errWire{{}, {}, {}, {}, {std, 5, 9}, {std, 5, 9}}},
	OFPFMFC_IS_SYNC:                  {"OFPFMFC_IS_SYNC", [6]errWire{{}, {}, {}, {}, {std, 5, 10}, {std, 5, 10}}},
	OFPACFC_INVALID:                  {"OFPACFC_INVALID", [6]errWire{{}, {}, {}, {}, {std, 15, 0}, {std, 15, 0}}},
	OFPACFC_UNSUPPORTED:              {"OFPACFC_UNSUPPORTED", [6]errWire{{}, {}, {}, {}, {std, 15, 1}, {std, 15, 1}}},
	OFPACFC_EPERM:                    {"OFPACFC_EPERM", [6]errWire{{}, {}, {}, {}, {std, 15, 2}, {std, 15, 2}}},
	OFPMOFC_UNKNOWN:                  {"OFPMOFC_UNKNOWN", [6]errWire{{}, {}, {}, {}, {std, 16, 0}, {std, 16, 0}}},
	OFPMOFC_INVALID_MONITOR:          {"OFPMOFC_INVALID_MONITOR", [6]errWire{{}, {}, {}, {}, {std, 16, 2}, {std, 16, 2}}},
	OFPMOFC_BAD_COMMAND:              {"OFPMOFC_BAD_COMMAND", [6]errWire{{}, {}, {}, {}, {std, 16, 4}, {std, 16, 4}}},
	OFPMOFC_BAD_TABLE_ID:             {"OFPMOFC_BAD_TABLE_ID", [6]errWire{{}, {}, {}, {}, {std, 16, 6}, {std, 16, 6}}},
	OFPMOFC_BAD_OUT:                  {"OFPMOFC_BAD_OUT", [6]errWire{{}, {}, {}, {}, {std, 16, 7}, {std, 16, 7}}},
	OFPBFC_BAD_VERSION:               {"OFPBFC_BAD_VERSION", [6]errWire{{}, {}, {}, {}, {nx, expErr, 22}, {nx, expErr, 22}}},
	NXQOFC_QUEUE_ERROR:               {"NXQOFC_QUEUE_ERROR", [6]errWire{{}, {}, {}, {}, {nx, expErr, 23}, {nx, expErr, 23}}},
	OFPBRC_MULTIPART_BAD_SCHED:       {"OFPBRC_MULTIPART_BAD_SCHED", [6]errWire{{}, {}, {}, {}, {}, {std, 1, 16}}},
	OFPBRC_PIPELINE_FIELDS_ONLY:      {"OFPBRC_PIPELINE_FIELDS_ONLY", [6]errWire{{}, {}, {}, {}, {}, {std, 1, 17}}},
	OFPBRC_UNKNOWN:                   {"OFPBRC_UNKNOWN", [6]errWire{{}, {}, {}, {}, {}, {std, 1, 18}}},
	OFPBAC_BAD_SET_MASK:              {"OFPBAC_BAD_SET_MASK", [6]errWire{{}, {}, {}, {}, {}, {std, 2, 16}}},
	OFPBAC_BAD_METER:                 {"OFPBAC_BAD_METER", [6]errWire{{}, {}, {}, {}, {}, {std, 2, 17}}},
	OFPRRFC_ID_UNSUP:                 {"OFPRRFC_ID_UNSUP", [6]errWire{{}, {}, {}, {}, {}, {std, 11, 3}}},
	OFPRRFC_ID_IN_USE:                {"OFPRRFC_ID_IN_USE", [6]errWire{{}, {}, {}, {}, {}, {std, 11, 4}}},
	OFPTFFC_BAD_CAPA:                 {"OFPTFFC_BAD_CAPA", [6]errWire{{}, {}, {}, {}, {}, {std, 13, 6}}},
	OFPTFFC_BAD_MAX_ENT:              {"OFPTFFC_BAD_MAX_ENT", [6]errWire{{}, {}, {}, {}, {}, {std, 13, 7}}},
	OFPTFFC_BAD_FEATURES:             {"OFPTFFC_BAD_FEATURES", [6]errWire{{}, {}, {}, {}, {}, {std, 13, 8}}},
	OFPTFFC_BAD_COMMAND:              {"OFPTFFC_BAD_COMMAND", [6]errWire{{}, {}, {}, {}, {}, {std, 13, 9}}},
	OFPTFFC_TOO_MANY:                 {"OFPTFFC_TOO_MANY", [6]errWire{{}, {}, {}, {}, {}, {std, 13, 10}}},
	OFPBFC_SCHED_NOT_SUPPORTED:       {"OFPBFC_SCHED_NOT_SUPPORTED", [6]errWire{{}, {}, {}, {}, {}, {std, 17, 16}}},
	OFPBFC_SCHED_FUTURE:              {"OFPBFC_SCHED_FUTURE", [6]errWire{{}, {}, {}, {}, {}, {std, 17, 17}}},
	OFPBFC_SCHED_PAST:                {"OFPBFC_SCHED_PAST", [6]errWire{{}, {}, {}, {}, {}, {std, 17, 18}}},
}
