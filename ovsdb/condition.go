package ovsdb

import (
	"govs/ovsdb/ojson"
)

// Function is the function of a clause of a condition (RFC 7047 section 5.1 <function>).
type Function uint8

// The functions. False and True are the boolean clauses of ovsdb-server(7), 5.1.
const (
	FuncFalse Function = iota
	FuncTrue
	FuncLT
	FuncLE
	FuncEQ
	FuncGE
	FuncGT
	FuncIncludes
	FuncExcludes
	FuncNE
)

var functionNames = [...]string{"false", "true", "<", "<=", "==", ">=", ">", "includes", "excludes", "!="}

// String returns the function's name in JSON.
func (f Function) String() string { return functionNames[f] }

func parseFunction(name string) (Function, bool) {
	for i := FuncLT; int(i) < len(functionNames); i++ {
		if functionNames[i] == name {
			return i, true
		}
	}
	return 0, false
}

// Clause is one clause of a condition. Column is nil for FuncFalse and FuncTrue.
type Clause struct {
	Function Function
	Column   *ColumnSchema
	Arg      Datum
}

// Condition is a conjunction of clauses; an empty one is true. (In monitor conditions the clauses are a
// disjunction: see MatchAny.) It is immutable once made.
type Condition []Clause

// ParseCondition parses the JSON array of clauses v for the rows of table t.
func ParseCondition(v *ojson.Value, t *TableSchema, syms *Symbols) (Condition, error) {
	if v.Kind() != ojson.Array {
		return nil, SyntaxErrorf(v, "array expected")
	}
	c := make(Condition, 0, v.Len())
	for i := range v.Elems() {
		cl, err := parseClause(&v.Elems()[i], t, syms)
		if err != nil {
			return nil, err
		}
		c = append(c, cl)
	}
	return c, nil
}

func parseClause(v *ojson.Value, t *TableSchema, syms *Symbols) (Clause, error) {
	if b, ok := v.Bool(); ok {
		if b {
			return Clause{Function: FuncTrue}, nil
		}
		return Clause{Function: FuncFalse}, nil
	}
	e := v.Elems()
	if len(e) != 3 || e[0].Kind() != ojson.String || e[1].Kind() != ojson.String {
		return Clause{}, SyntaxErrorf(v, "Parse error in condition.")
	}
	col := t.Column(e[0].Str())
	if col == nil {
		return Clause{}, TaggedSyntaxErrorf("unknown column", v, "No column %s in table %s.", e[0].Str(), t.Name)
	}
	f, ok := parseFunction(e[1].Str())
	if !ok {
		return Clause{}, Errorf("unknown function", "No function named %s.", e[1].Str())
	}
	ty := &col.Type
	minN, maxN := ty.Min, ty.Max
	switch f {
	case FuncLT, FuncLE, FuncGE, FuncGT:
		if (!ty.IsScalar() && !ty.IsOptionalScalar()) || (ty.Key.Type != Integer && ty.Key.Type != Real) {
			return Clause{}, SyntaxErrorf(v,
				"Type mismatch: \"%s\" operator may not be applied to column %s of type %s.", f, col.Name, ty.English())
		}
	case FuncIncludes:
		if !ty.IsScalar() {
			minN = 0
		}
	case FuncExcludes:
		if !ty.IsScalar() {
			minN, maxN = 0, Unlimited
		}
	}
	arg, err := ParseDatumLoose(&e[2], ty, minN, maxN, syms)
	if err != nil {
		return Clause{}, err
	}
	return Clause{Function: f, Column: col, Arg: arg}, nil
}

// JSON returns the clause's JSON form.
func (c *Clause) JSON() ojson.Value {
	if c.Function <= FuncTrue {
		return ojson.Bool(c.Function == FuncTrue)
	}
	return ojson.Arr(ojson.Str(c.Column.Name), ojson.Str(c.Function.String()), c.Arg.JSON(&c.Column.Type))
}

// Match reports whether the row with the given columns satisfies the clause.
func (c *Clause) Match(cols []Datum) bool {
	switch c.Function {
	case FuncTrue:
		return true
	case FuncFalse:
		return false
	}
	d := cols[c.Column.Index]
	switch c.Function {
	case FuncEQ:
		return d == c.Arg
	case FuncNE:
		return d != c.Arg
	case FuncIncludes:
		return d.IncludesAll(c.Arg)
	case FuncExcludes:
		return d.ExcludesAll(c.Arg)
	}
	if d.IsEmpty() || c.Arg.IsEmpty() {
		return false
	}
	cmp := d.Scalar().Compare(c.Arg.Scalar())
	switch c.Function {
	case FuncLT:
		return cmp < 0
	case FuncLE:
		return cmp <= 0
	case FuncGE:
		return cmp >= 0
	default:
		return cmp > 0
	}
}

// Match reports whether the row satisfies every clause.
func (c Condition) Match(cols []Datum) bool {
	for i := range c {
		if !c[i].Match(cols) {
			return false
		}
	}
	return true
}

// MatchAny reports whether the row satisfies at least one clause, or there is no clause.
func (c Condition) MatchAny(cols []Datum) bool {
	for i := range c {
		if c[i].Match(cols) {
			return true
		}
	}
	return len(c) == 0
}

// UUID returns the row that the condition can match at most, when it has a clause _uuid == X.
func (c Condition) UUID() (UUID, bool) {
	for i := range c {
		if c[i].Function == FuncEQ && c[i].Column.Index == ColUUID {
			return c[i].Arg.Scalar().UUID(), true
		}
	}
	return UUID{}, false
}
