using System.Text;
using CsCheck;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

/// <summary>What a look ahead takes for whole, the parser carries out without waiting for more.</summary>
public sealed class CommandsAheadTests
{
    private static readonly string[] Lines =
    [
        "list\n", "echo a\r\n", "\n", "  identity  \n", "relay 1,2 hello\n", "relay 3\nbody\n.\n", "RELAY\n4,5\r\nbody\r\n..\r\n.\r\n",
        "relay 6 \n", "relay 6 \r\n", "relay\n", "relay\r\n", "relayed\n", "relay x y\n", "relay x\n", "relay 7\nno end", "echo no end", "relay 8\n.\r", ".\n",
        "list\r\0", "relay 9\r\0body\n.\n", "relay\r\010\r\0.\r\n", "relay 11 a\r\0b\n", "relay 12\n.\r\0\n.\n",
    ];

    [Theory]
    [InlineData("", 0)]
    [InlineData("list", 0)]
    [InlineData("list\nident", 5)]
    [InlineData("echo a\r\n\nlist\n", 14)]
    [InlineData("relay 1,2 hello\n", 16)]
    [InlineData("list\nrelay 1\nbody\n", 5)]
    [InlineData("list\nrelay 1\nbody\n.\nlist\n", 25)]
    [InlineData(" Relay \n1\nbody\n.\r\nli", 18)]
    [InlineData("relay\n", 0)]
    [InlineData("relay\n.\n", 0)]
    [InlineData("relay\n.\n.\n", 10)]
    [InlineData("relay\n1\n.\nlist\n", 15)]
    [InlineData("list\r\0ident", 6)]
    [InlineData("relay 1\r\0a\r\0.\r\0", 0)]
    [InlineData("relay 1\r\0.\nli", 11)]
    [InlineData("relay 1 a\r\0b\nli", 13)]
    [InlineData("\u00ef\u00bb\u00bfrelay 1\nbody\n", 0)]
    [InlineData("\u00ef\u00bb\u00bflist\nli", 8)]
    [InlineData("\u00ff\u00fa\n\u00ff\u00f0list\nli", 10)]
    [InlineData("\u00ff\u00fa\nlist\n", 0)]
    [InlineData("relay 6 \r\nbody\n", 15)]
    [InlineData("relay 6 \r\nbody\n.\n", 17)]
    public void Whole_commands_are_counted_with_their_bodies(string front, int whole) =>
        Assert.Equal(whole, CommandsAhead.WholeBytes(Encoding.Latin1.GetBytes(front)));

    [Fact]
    public void The_parser_needs_no_more_for_what_is_whole() =>
        Gen.Int[0, Lines.Length - 1].Array[0, 8].Sample(picks =>
        {
            byte[] front = Encoding.ASCII.GetBytes(string.Concat(picks.Select(pick => Lines[pick])));
            int whole = CommandsAhead.WholeBytes(front);
            var parser = new TextParser();
            parser.BeginArrival();
            int used = 0;
            TextEvent told;
            do
            {
                told = parser.Read(front.AsSpan(used, whole - used), out int consumed);
                used += consumed;
            }
            while (told != TextEvent.NeedMoreData);

            return parser.IsBetweenCommands && used == whole;
        }, iter: 5_000);
}
