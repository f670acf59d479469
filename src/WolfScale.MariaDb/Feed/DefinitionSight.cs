using System.Buffers;
using System.Text;
using WolfScale.Protocol.Binlog;

namespace WolfScale.MariaDb;

/// <summary>
/// Sees in a group of the log whether it may make, change or rename a view, a routine or a trigger. It looks for words: one too many costs a reading of the server's views.
/// </summary>
internal static class DefinitionSight
{
    private static readonly SearchValues<string> Words =
        SearchValues.Create(["view", "procedure", "function", "package", "trigger", "rename"], StringComparison.OrdinalIgnoreCase);

    /// <param name="group">The group from its beginning; of one that has several entries the first.</param>
    public static bool MayDefine(ReadOnlySpan<byte> group)
    {
        var header = EventHeader.Read(group);
        var flags = GtidEvent.Read(header, group[EventHeader.Size..((int)header.EventLength - EventChecksum.Size)]).Flags;
        if ((flags & (GtidFlags.Standalone | GtidFlags.Ddl)) == 0)
            return false;
        var rest = group[(int)header.EventLength..];
        // Under log_bin_compress the text cannot be read; no other kind of event carries one that is compressed.
        return rest.Length < EventHeader.Size || EventHeader.Read(rest).Type == EventType.QueryCompressed || Encoding.Latin1.GetString(rest).AsSpan().ContainsAny(Words);
    }
}
