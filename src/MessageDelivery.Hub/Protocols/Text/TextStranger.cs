using System.Text;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>
/// Somebody who is no user yet. Where the hub demands a token, nothing is carried out but <c>auth</c>, <c>help</c> and <c>quit</c>;
/// elsewhere the first line makes a user.
/// </summary>
/// <param name="signIn">Null where the hub demands no token.</param>
internal sealed class TextStranger(LoopServices services, Connection connection, TextParser parser, SignIn? signIn)
{
    /// <summary>Errors before there is a user; the last one ends the connection.</summary>
    private const int MaxErrors = 3;

    private int _errors;
    private int _tokenBytes;
    private EarlyBytes _early;

    /// <summary>Carries out what it says.</summary>
    public void CarryOut(TextEvent found, ReadOnlySpan<byte> input)
    {
        switch (found)
        {
            case TextEvent.Command when parser.Verb == TextVerb.Auth:
                _tokenBytes = input[parser.Argument].Length;
                signIn!.Begin(input[parser.Argument]);
                break;
            case TextEvent.Command when parser.Verb == TextVerb.Quit:
                connection.Close(CloseReason.Left);
                break;
            case TextEvent.Command when parser.Verb == TextVerb.Help:
                if (MaySend(ServerLines.Help.Length))
                {
                    connection.Send(ServerLines.Help);
                }

                break;
            case TextEvent.Command or TextEvent.RelayBegins:
                string thrownAway = found == TextEvent.RelayBegins && parser.PromptForBody ? TextSession.ThrownAwayText : "";
                ServerLines.Error(
                    services.Lines, ProtocolCode.AuthRequired, Encoding.UTF8.GetBytes($"{Ending.NoToken.Text}; say: auth TOKEN{thrownAway}"));
                SendError();
                break;
            default:
                ServerLines.Error(services.Lines, parser.ErrorName, parser.ErrorText);
                SendError();
                break;
        }
    }

    /// <summary>Counts what has come of it.</summary>
    public void CountReceived(int bytes)
    {
        bool isWithin = _early.TryReceive(bytes, _tokenBytes);
        _tokenBytes = 0;
        if (!isWithin && connection.IsOpen)
        {
            signIn?.Withdraw();
            services.Limited.Met(LimitKind.EarlyBytesIn, connection.Peer, connection.Loop);
            connection.CloseWithError(Ending.EarlyBytes("came", Limit.EarlyBytesIn));
        }
    }

    /// <summary>Counts an answer. False if it is too much; then the connection has ended.</summary>
    private bool MaySend(int bytes)
    {
        if (_early.TrySend(bytes))
        {
            return true;
        }

        services.Limited.Met(LimitKind.EarlyBytesOut, connection.Peer, connection.Loop);
        connection.CloseWithError(Ending.EarlyBytes("were to be sent", Limit.EarlyBytesOut));
        return false;
    }

    private void SendError()
    {
        if (!MaySend(services.Lines.WrittenCount))
        {
            services.Lines.ResetWrittenCount();
            return;
        }

        connection.SendLines(services.Lines);
        if (++_errors == MaxErrors)
        {
            services.Authentication.NoteRefused(connection.Peer, Ending.NoToken.Text);
            connection.Close(CloseReason.AuthRequired);
        }
    }
}
