using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace WolfScale.Protocol;

/// <summary>
/// Where a server stands: the last <see cref="Gtid"/> of every domain, as <c>@@gtid_slave_pos</c> and <c>@@gtid_binlog_pos</c> write it
/// (<c>0-1-5,1-1-7</c>; empty for a server that has nothing). Immutable; equal when the same domains stand at the same GTIDs.
/// <c>@@gtid_binlog_state</c> is something else: it may hold several GTIDs of one domain, one for each server_id.
/// </summary>
public sealed class GtidPosition : IEquatable<GtidPosition>
{
    private GtidPosition(ImmutableArray<Gtid> gtids) => Gtids = gtids;

    /// <summary>The position of a server without any group.</summary>
    public static GtidPosition Empty { get; } = new([]);

    /// <summary>One GTID for each domain, ordered by domain.</summary>
    public ImmutableArray<Gtid> Gtids { get; }

    public bool IsEmpty => Gtids.IsEmpty;

    /// <exception cref="FormatException">Not a comma-separated list of GTIDs of different domains.</exception>
    public static GtidPosition Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out var position)
            ? position
            : throw new FormatException($"'{text}' is not a GTID position: expected one DOMAIN-SERVER_ID-SEQUENCE for each domain, separated by commas.");

    /// <summary>Reads a comma-separated list; blanks around the GTIDs are allowed, two GTIDs of one domain are not.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out GtidPosition? position)
    {
        position = null;
        if (text.IsWhiteSpace())
        {
            position = Empty;
            return true;
        }

        var gtids = ImmutableArray.CreateBuilder<Gtid>();
        foreach (var part in text.Split(','))
        {
            if (!Gtid.TryParse(text[part].Trim(), out var gtid))
                return false;
            gtids.Add(gtid);
        }

        gtids.Sort(static (a, b) => a.Domain.CompareTo(b.Domain));
        for (var i = 1; i < gtids.Count; i++)
        {
            if (gtids[i].Domain == gtids[i - 1].Domain)
                return false;
        }

        position = new GtidPosition(gtids.ToImmutable());
        return true;
    }

    /// <summary>The position that consists of these GTIDs.</summary>
    /// <exception cref="ArgumentException">Two of them are of one domain.</exception>
    public static GtidPosition Of(params ReadOnlySpan<Gtid> gtids)
    {
        var position = Empty;
        foreach (var gtid in gtids)
        {
            if (position.Find(gtid.Domain) is { } other)
                throw new ArgumentException($"{other} and {gtid} are of one domain.", nameof(gtids));
            position = position.With(gtid);
        }

        return position;
    }

    /// <summary>Where the domain stands, or null when nothing of it was ever seen.</summary>
    public Gtid? Find(uint domain)
    {
        foreach (var gtid in Gtids)
        {
            if (gtid.Domain == domain)
                return gtid;
        }

        return null;
    }

    /// <summary>This position after the group <paramref name="gtid"/>: its domain moves there, the others stay.</summary>
    public GtidPosition With(Gtid gtid)
    {
        var index = 0;
        while (index < Gtids.Length && Gtids[index].Domain < gtid.Domain)
            index++;
        return new GtidPosition(index < Gtids.Length && Gtids[index].Domain == gtid.Domain ? Gtids.SetItem(index, gtid) : Gtids.Insert(index, gtid));
    }

    /// <summary>This position without the domain.</summary>
    public GtidPosition Without(uint domain) => new(Gtids.RemoveAll(g => g.Domain == domain));

    public bool Equals(GtidPosition? other) => other is not null && Gtids.AsSpan().SequenceEqual(other.Gtids.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as GtidPosition);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var gtid in Gtids)
            hash.Add(gtid);
        return hash.ToHashCode();
    }

    /// <summary>The text MariaDB reads and writes, ordered by domain.</summary>
    public override string ToString() => string.Join(',', Gtids);
}
