"""An SFTP server with one account that signs in with a password: PORT HOST_KEY FOLDER USER PASSWORD."""

import asyncio
import sys

import asyncssh

port, host_key, folder, user, password = sys.argv[1:]


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, given):
        return (username, given) == (user, password)


class Files(asyncssh.SFTPServer):
    def __init__(self, channel):
        super().__init__(channel, chroot=folder)


async def main():
    server = await asyncssh.listen(
        "127.0.0.1", int(port), server_host_keys=[host_key], server_factory=Server, sftp_factory=Files
    )
    await server.wait_closed()


asyncio.run(main())
