package openflow

// rawAction identifies one wire form of an action.
type rawAction uint8

// The wire forms. Those that only Nicira defines have numbers of their own; some actions have several forms.
const (
	rawNone rawAction = iota
	rawOutput
	rawSetVLANVID
	rawSetVLANPCP
	rawStripVLAN
	rawSetDlSrc
	rawSetDlDst
	rawSetNwSrc
	rawSetNwDst
	rawSetNwTos
	rawSetNwECN
	rawSetTpSrc
	rawSetTpDst
	rawEnqueue
	rawSetMPLSLabel
	rawSetMPLSTC
	rawSetMPLSTTL
	rawDecMPLSTTL
	rawPushVLAN
	rawPopVLAN
	rawPushMPLS
	rawPopMPLS
	rawSetQueue
	rawGroup
	rawSetNwTTL
	rawDecNwTTL
	rawSetField
	rawMeter
	rawCopyField

	rawNXResubmit
	rawNXSetTunnel
	rawNXSetQueue
	rawNXPopQueue
	rawNXRegMove
	rawNXRegLoad
	rawNXNote
	rawNXSetTunnel64
	rawNXMultipath
	rawNXBundle
	rawNXBundleLoad
	rawNXResubmitTable
	rawNXOutputReg
	rawNXLearn
	rawNXExit
	rawNXDecTTL
	rawNXFinTimeout
	rawNXController
	rawNXDecTTLIDs
	rawNXWriteMetadata
	rawNXPushMPLS
	rawNXPopMPLS
	rawNXSetMPLSTTL
	rawNXDecMPLSTTL
	rawNXStackPush
	rawNXStackPop
	rawNXSample
	rawNXSetMPLSLabel
	rawNXSetMPLSTC
	rawNXOutputReg2
	rawNXRegLoad2
	rawNXConjunction
	rawNXCT
	rawNXNAT
	rawNXController2
	rawNXSample2
	rawNXOutputTrunc
	rawNXGroup
	rawNXSample3
	rawNXClone
	rawNXCTClear
	rawNXResubmitCT
	rawNXLearn2
	rawNXEncap
	rawNXDecap
	rawNXDecNSHTTL
	rawNXCheckPktLarger
	rawNXDeleteField
	rawNXDebugSlow
	rawNXDebugRecirc

	numRaw
)

// actionDef is one line of the action table. Lengths are those of the whole action with its header.
type actionDef struct {
	num      [6]int16 // the OFPAT number in each version from 1.0 on, -1 if it lacks it; nil for Nicira actions
	nx       int16    // the NXAST number, or 0
	size     uint16   // length of the action, or the smallest length
	variable bool     // it may be longer than size
}

func std6(v10, v11, v12, v13, v14, v15 int16) [6]int16 { return [6]int16{v10, v11, v12, v13, v14, v15} }

var noStd = [6]int16{-1, -1, -1, -1, -1, -1}

// actionTable holds the numbers of OpenFlow 1.0 (section 5.2.4) to 1.5 (7.2.6) and those of the Nicira extensions. The size of output differs
// between 1.0 and later versions; it is checked where it is decoded.
var actionTable = [numRaw]actionDef{
	rawNone:         {noStd, 0, 0, false},
	rawOutput:       {std6(0, 0, 0, 0, 0, 0), 0, 8, true},
	rawSetVLANVID:   {std6(1, 1, -1, -1, -1, -1), 0, 8, false},
	rawSetVLANPCP:   {std6(2, 2, -1, -1, -1, -1), 0, 8, false},
	rawStripVLAN:    {std6(3, -1, -1, -1, -1, -1), 0, 8, false},
	rawSetDlSrc:     {std6(4, 3, -1, -1, -1, -1), 0, 16, false},
	rawSetDlDst:     {std6(5, 4, -1, -1, -1, -1), 0, 16, false},
	rawSetNwSrc:     {std6(6, 5, -1, -1, -1, -1), 0, 8, false},
	rawSetNwDst:     {std6(7, 6, -1, -1, -1, -1), 0, 8, false},
	rawSetNwTos:     {std6(8, 7, -1, -1, -1, -1), 0, 8, false},
	rawSetNwECN:     {std6(-1, 8, -1, -1, -1, -1), 0, 8, false},
	rawSetTpSrc:     {std6(9, 9, -1, -1, -1, -1), 0, 8, false},
	rawSetTpDst:     {std6(10, 10, -1, -1, -1, -1), 0, 8, false},
	rawEnqueue:      {std6(11, -1, -1, -1, -1, -1), 0, 16, false},
	rawSetMPLSLabel: {std6(-1, 13, -1, -1, -1, -1), 0, 8, false},
	rawSetMPLSTC:    {std6(-1, 14, -1, -1, -1, -1), 0, 8, false},
	rawSetMPLSTTL:   {std6(-1, 15, 15, 15, 15, 15), 0, 8, false},
	rawDecMPLSTTL:   {std6(-1, 16, 16, 16, 16, 16), 0, 8, false},
	rawPushVLAN:     {std6(-1, 17, 17, 17, 17, 17), 0, 8, false},
	rawPopVLAN:      {std6(-1, 18, 18, 18, 18, 18), 0, 8, false},
	rawPushMPLS:     {std6(-1, 19, 19, 19, 19, 19), 0, 8, false},
	rawPopMPLS:      {std6(-1, 20, 20, 20, 20, 20), 0, 8, false},
	rawSetQueue:     {std6(-1, 21, 21, 21, 21, 21), 0, 8, false},
	rawGroup:        {std6(-1, 22, 22, 22, 22, 22), 0, 8, false},
	rawSetNwTTL:     {std6(-1, 23, 23, 23, 23, 23), 0, 8, false},
	rawDecNwTTL:     {std6(-1, 24, 24, 24, 24, 24), 0, 8, false},
	rawSetField:     {std6(-1, -1, 25, 25, 25, 25), 0, 8, true},
	rawMeter:        {std6(-1, -1, -1, -1, -1, 29), 0, 8, false},
	rawCopyField:    {std6(-1, -1, -1, -1, -1, 28), 0, 24, true},

	rawNXResubmit:       {noStd, 1, 16, false},
	rawNXSetTunnel:      {noStd, 2, 16, false},
	rawNXSetQueue:       {noStd, 4, 16, false},
	rawNXPopQueue:       {noStd, 5, 16, false},
	rawNXRegMove:        {noStd, 6, 24, true},
	rawNXRegLoad:        {noStd, 7, 24, false},
	rawNXNote:           {noStd, 8, 16, true},
	rawNXSetTunnel64:    {noStd, 9, 24, false},
	rawNXMultipath:      {noStd, 10, 32, false},
	rawNXBundle:         {noStd, 12, 32, true},
	rawNXBundleLoad:     {noStd, 13, 32, true},
	rawNXResubmitTable:  {noStd, 14, 16, false},
	rawNXOutputReg:      {noStd, 15, 24, false},
	rawNXLearn:          {noStd, 16, 32, true},
	rawNXExit:           {noStd, 17, 16, false},
	rawNXDecTTL:         {noStd, 18, 16, false},
	rawNXFinTimeout:     {noStd, 19, 16, false},
	rawNXController:     {noStd, 20, 16, false},
	rawNXDecTTLIDs:      {noStd, 21, 16, true},
	rawNXWriteMetadata:  {noStd, 22, 32, false},
	rawNXPushMPLS:       {noStd, 23, 16, false},
	rawNXPopMPLS:        {noStd, 24, 16, false},
	rawNXSetMPLSTTL:     {noStd, 25, 16, false},
	rawNXDecMPLSTTL:     {noStd, 26, 16, false},
	rawNXStackPush:      {noStd, 27, 24, false},
	rawNXStackPop:       {noStd, 28, 24, false},
	rawNXSample:         {noStd, 29, 24, false},
	rawNXSetMPLSLabel:   {noStd, 30, 16, false},
	rawNXSetMPLSTC:      {noStd, 31, 16, false},
	rawNXOutputReg2:     {noStd, 32, 24, true},
	rawNXRegLoad2:       {noStd, 33, 16, true},
	rawNXConjunction:    {noStd, 34, 16, false},
	rawNXCT:             {noStd, 35, 24, true},
	rawNXNAT:            {noStd, 36, 16, true},
	rawNXController2:    {noStd, 37, 16, true},
	rawNXSample2:        {noStd, 38, 32, false},
	rawNXOutputTrunc:    {noStd, 39, 16, false},
	rawNXGroup:          {noStd, 40, 16, false},
	rawNXSample3:        {noStd, 41, 32, false},
	rawNXClone:          {noStd, 42, 16, true},
	rawNXCTClear:        {noStd, 43, 16, false},
	rawNXResubmitCT:     {noStd, 44, 16, false},
	rawNXLearn2:         {noStd, 45, 40, true},
	rawNXEncap:          {noStd, 46, 16, true},
	rawNXDecap:          {noStd, 47, 16, false},
	rawNXDecNSHTTL:      {noStd, 48, 16, false},
	rawNXCheckPktLarger: {noStd, 49, 24, true},
	rawNXDeleteField:    {noStd, 50, 24, false},
	rawNXDebugSlow:      {noStd, 254, 16, false},
	rawNXDebugRecirc:    {noStd, 255, 16, false},
}

// actionIndex finds an action by version and number, or by Nicira number (in place of the version: 0).
var actionIndex = func() map[[2]uint16]rawAction {
	m := map[[2]uint16]rawAction{}
	for r := rawNone + 1; r < numRaw; r++ {
		d := &actionTable[r]
		if d.nx != 0 {
			m[[2]uint16{0, uint16(d.nx)}] = r
		}
		for i, n := range d.num {
			if n >= 0 {
				m[[2]uint16{uint16(OF10) + uint16(i), uint16(n)}] = r
			}
		}
	}
	return m
}()

// allowed says whether a Nicira action may be used in version v: some only make up for what the version lacks.
func (r rawAction) allowed(v Version) bool {
	switch r {
	case rawNXSetQueue, rawNXDecTTL, rawNXPushMPLS, rawNXPopMPLS, rawNXSetMPLSTTL, rawNXDecMPLSTTL, rawNXSetMPLSLabel, rawNXSetMPLSTC, rawNXGroup:
		return v == OF10
	case rawNXRegMove, rawNXRegLoad, rawNXRegLoad2:
		return v < OF15
	case rawNXEncap, rawNXDecap, rawNXDecNSHTTL:
		return v >= OF13
	}
	return true
}

// has says whether version v has the standard action r.
func (r rawAction) has(v Version) bool { return actionTable[r].num[v-1] >= 0 }
