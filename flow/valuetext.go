package flow

// AppendValue appends a field's value, and its mask unless that is the whole field's, in the field's text form, as it stands after
// "field=" in a match and after "set_field:" in an action.
func AppendValue(b []byte, id FieldID, v, mask Value, ports *PortNames) []byte {
	f := &fields[id]
	if mask.And(f.AllOnes()) == f.AllOnes() {
		mask = ones(f.Width)
	}
	return appendField(b, f, v, mask, ports)
}
