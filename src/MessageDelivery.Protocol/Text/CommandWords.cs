using System.Text;

namespace MessageDelivery.Protocol.Text;

/// <summary>The words that begin a command, in any case.</summary>
internal static class CommandWords
{
    /// <summary>The first word of a line without leading spaces.</summary>
    public static ReadOnlySpan<byte> First(ReadOnlySpan<byte> line) => line.IndexOf((byte)' ') is var space and >= 0 ? line[..space] : line;

    /// <summary>Whether a word has this name, given in lower case.</summary>
    public static bool Is(ReadOnlySpan<byte> word, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(word, name);

    /// <summary>Whether a word begins a command.</summary>
    public static bool IsCommand(ReadOnlySpan<byte> word) =>
        Simple(word) is not null || Is(word, "relay"u8) || Is(word, "echo"u8) || Is(word, "auth"u8) || Is(word, "verbose"u8);

    /// <summary>The command that is this word and nothing more; null if there is none.</summary>
    public static TextVerb? Simple(ReadOnlySpan<byte> word) =>
        Is(word, "identity"u8) ? TextVerb.Identity
        : Is(word, "list"u8) ? TextVerb.List
        : Is(word, "help"u8) ? TextVerb.Help
        : Is(word, "quit"u8) ? TextVerb.Quit
        : null;
}
