using System.Collections.Immutable;

namespace WolfScale.Client;

/// <summary>Body of <c>POST /admin/reload</c>; empty.</summary>
public sealed record ReloadRequest;

/// <summary>Answer to it: the node's file was read again.</summary>
/// <param name="Node">The node that was asked.</param>
/// <param name="Changed">Keys whose new value is in force from now on.</param>
/// <param name="NeedRestart">Keys whose value in the file is another than the one that the node runs with, and that it takes over only when it starts.</param>
/// <param name="Warnings">What the check of the file has to say; each with its place.</param>
public sealed record ReloadDocument(string Node, ImmutableArray<ReloadedKey> Changed, ImmutableArray<ReloadedKey> NeedRestart, ImmutableArray<string> Warnings);

/// <summary>One key.</summary>
/// <param name="Key"><c>section.key</c>.</param>
/// <param name="From">The value before, as it is written in the file; null for secrets, and where there was none.</param>
/// <param name="To">The value in the file; null as above.</param>
public sealed record ReloadedKey(string Key, string? From, string? To);
