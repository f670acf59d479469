namespace WolfScale.EndToEnd.Comparing;

/// <summary>
/// Everything of one server that must be the same on every server: one text per object and aspect, under a readable key such as
/// <c>table demo.t / checksum</c>. Written once, never changed.
/// </summary>
internal sealed record ServerSnapshot(string Server, IReadOnlyDictionary<string, string> Facts);

/// <summary>An object that a workload made, and how many rows it must hold at least: empty equal to empty proves nothing.</summary>
/// <param name="Kind">The word of <c>SHOW CREATE</c>, in lower case: table, view, trigger, procedure, function, package, event, sequence, user, role, schema.</param>
/// <param name="Name"><c>schema.name</c>, a schema, or an account as <c>name@host</c>.</param>
/// <param name="MinimumRows">For tables; 0 otherwise.</param>
internal sealed record ExpectedObject(string Kind, string Name, long MinimumRows = 0)
{
    public override string ToString() => MinimumRows > 0 ? $"{Kind} {Name} with at least {MinimumRows} rows" : $"{Kind} {Name}";
}
